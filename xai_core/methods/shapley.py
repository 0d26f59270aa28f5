"""Shapley values of the cells of a grid, from random orders in which the cells are shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Annotated

import numpy as np

from xai_core.families.completeness import completeness_errors
from xai_core.families.noise import STOP_AT, StopAtNoise, Stopping
from xai_core.families.perturbed import PerturbedOutputs
from xai_core.families.score_range import ScoreRange
from xai_core.families.segments import Fill, Hiding, Kept, Segments
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, Seed, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Capability, Doubles, Estimate, Floats, Indices


@method(
    "shapley",
    title="Shapley values by permutation",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="Castro, Gómez, Tejada, Polynomial calculation of the Shapley value based on sampling, 2009; "
    "pairs as in Mitchell and others, Sampling Permutations for Shapley Value Estimation, 2022, arXiv 2104.12199",
    cost="at most `permutations` times (`grid`² - 1) forward passes, and two, for any number of targets",
    guide=Guide(
        answers="How much does each cell of a grid add to the score on average, over all orders of revealing cells?",
        choose="When contributions must add up exactly at any time, and their error must be known.",
        limits="The answer depends on the fill. Cells are hidden as a whole, so nothing finer is resolved, and small "
        "contributions need many permutations to stand out from the noise.",
    ),
)
class Shapley(Method):
    """Reveal the cells one by one in random orders and average what each adds to the score."""

    grid: Annotated[int, Range(2, 16, unit="cells"), "Cells along a side: more are finer, and cost more."] = 7
    permutations: Annotated[
        int,
        Range(2, 400, 2, steadier=True),
        "Maximum number of random orders; a higher limit allows less noise, and continues an earlier run.",
    ] = 20
    stop_at_noise: StopAtNoise = STOP_AT
    fill: Fill = "grey"
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        segments = Segments.grid(image.shape[:2], self.grid, self.grid)
        orders = Orders(segments.count, self.seed)
        total, pair = len(ENDS) + self.permutations * orders.steps, 2 * orders.steps
        stopping = Stopping(self.stop_at_noise, total, unit=pair, least=LEAST_PAIRS, first=len(ENDS))
        return stopping.until_steady(self._orders(model, image, targets, segments, orders, stopping), self)

    def _orders(
        self,
        model: Model,
        image: Floats,
        targets: Indices,
        segments: Segments,
        orders: Orders,
        stopping: Stopping,
    ) -> Iterator[Estimate]:
        hiding = Hiding(image, segments, self.fill)
        outputs = PerturbedOutputs(model, image, method=self.id, grid=self.grid, fill=self.fill, seed=self.seed)
        ends = np.repeat(ENDS[:, None], segments.count, axis=1)
        raw = outputs.rows(0, len(ENDS), partial(hiding.pictures, ends))
        shares = _Shares(segments, orders, model.as_score(raw, self.score)[:, targets])
        last = stopping.total
        for start, stop, worth_a_preview in outputs.batches(len(ENDS), last, self.batch_size, stopping):
            kept = orders.kept(np.arange(start, stop) - len(ENDS))
            raw = outputs.rows(start, stop, partial(hiding.pictures, kept))
            shares.add(model.as_score(raw, self.score)[:, targets])
            if worth_a_preview:
                yield shares.estimate(stop / last, hiding.notes)


LEAST_PAIRS = 4  # of orders, before their standard error can be judged
ENDS = np.array([True, False])  # all is kept, nothing is kept: pictures 0 and 1 of each run


class Orders:
    """Random orders of the cells, each followed by its reverse.

    steps: pictures per order, from the first cell shown to the second-to-last.
    """

    def __init__(self, cells: int, seed: int) -> None:
        self.steps = cells - 1
        self._cells, self._seed = cells, seed
        self.order = cache(self._order)

    def kept(self, numbers: Indices) -> Kept:
        """Return which cells the pictures of these numbers show, (n, cells)."""
        kept = np.zeros((len(numbers), self._cells), bool)
        for row, (order, step) in zip(kept, (divmod(int(n), self.steps) for n in numbers), strict=True):
            row[self.order(order)[: step + 1]] = True
        return kept

    def _order(self, number: int) -> Indices:
        pair, backwards = divmod(number, 2)
        order = np.random.default_rng((self._seed, pair)).permutation(self._cells)
        return order[::-1] if backwards else order


class _Shares:
    """What each cell adds, order by order; cells not yet shown in the current order share the rest equally."""

    def __init__(self, segments: Segments, orders: Orders, ends: Floats) -> None:
        self._segments, self._orders = segments, orders
        self._whole, self._none = ends.astype(np.float64)
        self._range = ScoreRange(ends.shape[1])
        self._range.add(ends)
        self._done = 0
        self._path = [self._none]
        self._sums = np.zeros((ends.shape[1], segments.count))
        self._first_of_pair = np.zeros_like(self._sums)
        self._pair_sums, self._pair_squares = np.zeros_like(self._sums), np.zeros_like(self._sums)

    def add(self, scores: Floats) -> None:
        """Take the scores (n, T) of the next pictures."""
        self._range.add(scores)
        for score in scores.astype(np.float64):
            self._path.append(score)
            if len(self._path) > self._orders.steps:
                self._finish()

    def _finish(self) -> None:
        added = self._of_current_order()
        self._sums += added
        if self._done % 2:
            pair = (self._first_of_pair + added) / 2
            self._pair_sums += pair
            self._pair_squares += pair**2
        self._first_of_pair = added
        self._done += 1
        self._path = [self._none]

    def _of_current_order(self) -> Doubles:
        """Return what each cell adds, (T, cells), in the current order."""
        order, shown = self._orders.order(self._done), len(self._path) - 1
        added = np.empty_like(self._sums)
        added[:, order[:shown]] = np.diff(self._path, axis=0).T
        added[:, order[shown:]] = ((self._whole - self._path[-1]) / (len(order) - shown))[:, None]
        return added

    def estimate(self, fraction: float, notes: tuple[str, ...]) -> Estimate:
        under_way = len(self._path) > 1
        sums = self._sums + self._of_current_order() if under_way else self._sums
        values = sums / (self._done + under_way)
        errors = completeness_errors(values.sum(axis=1), self._whole, self._none)
        if fraction == 1:
            notes = notes + self._range.notes()
        maps = self._segments.paint(self._range.moved(values))
        return Estimate(fraction, maps, {"efficiency_error": errors}, self._standard_error(), notes)

    def _standard_error(self) -> Floats | None:
        """Return the standard error of the mean over pairs; None before there are two."""
        pairs = self._done // 2
        if pairs < 2:
            return None
        variances = (self._pair_squares - self._pair_sums**2 / pairs) / (pairs - 1)
        return self._segments.paint(np.sqrt(np.maximum(variances, 0) / pairs))
