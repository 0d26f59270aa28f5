"""HSIC: how strongly the score depends, in any way, on each cell of a grid being shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import numpy as np

from xai_core.families.noise import STOP_AT, StopAtNoise, Stopping
from xai_core.families.perturbed import PerturbedOutputs
from xai_core.families.score_range import ROUNDING, ScoreRange
from xai_core.families.segments import Fill, Hiding, Kept, Segments
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, Seed, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Capability, Doubles, Estimate, Floats, Indices

BLOCK = 50  # masks of a Latin hypercube: each cell is kept in half of them
GROUPS = 10  # of masks, left out in turn for the standard error
FOR_THE_WIDTH = 500  # scores whose differences set the kernel's width
GROWTH = 1.1  # of the samples between two previews, as each takes time that grows with their square


@method(
    "hsic",
    title="HSIC",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="Novello, Fel, Vigouroux, Making Sense of Dependence: Efficient Black-box Explanations Using Dependence "
    "Measure, 2022, arXiv 2206.06219",
    cost="at most `samples` forward passes, for any number of targets",
    guide=Guide(
        answers="How strongly does the score depend, in any way, on whether this cell is shown?",
        choose="When you can afford only a few forward passes: it needs fewer than Sobol indices.",
        limits="It does not say whether a cell speaks for or against the class. Values are comparable only within one "
        "map, and those near the chance level mean no influence.",
    ),
)
class Hsic(Method):
    """Hide random cells and measure how strongly the score depends on each."""

    grid: Annotated[
        int, Range(2, 16, unit="cells"), "Cells along a side: more show finer parts and need more samples."
    ] = 8
    samples: Annotated[
        int,
        Range(BLOCK, 5000, BLOCK, steadier=True),
        "Maximum number of random masks; a higher limit allows less noise, and continues an earlier run.",
    ] = 500
    stop_at_noise: StopAtNoise = STOP_AT
    fill: Fill = "black"
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        stopping = Stopping.of_masks(self.stop_at_noise, self.samples)
        return stopping.until_steady(self._dependences(model, image, targets, stopping), self)

    def _dependences(self, model: Model, image: Floats, targets: Indices, stopping: Stopping) -> Iterator[Estimate]:
        segments = Segments.grid(image.shape[:2], self.grid, self.grid)
        hiding = Hiding(image, segments, self.fill)
        dependence = _Dependence(segments, self.samples, len(targets))
        outputs = PerturbedOutputs(model, image, method=self.id, grid=self.grid, fill=self.fill, seed=self.seed)
        shown = 0
        for start, stop, worth_a_preview in outputs.batches(0, self.samples, self.batch_size, stopping):
            kept = masks(segments.count, start, stop, self.seed)
            raw = outputs.rows(start, stop, partial(hiding.pictures, kept))
            dependence.add(kept, model.as_score(raw, self.score)[:, targets])
            if stopping.is_check(stop) or (worth_a_preview and stop > GROWTH * shown):
                shown = stop
                yield dependence.estimate(stop / self.samples, hiding.notes)


def masks(cells: int, start: int, stop: int, seed: int) -> Kept:
    """Return masks number `start` to `stop`, (n, cells), of the endless sequence of one seed.

    They come in blocks of a rounded Latin hypercube: within a block, each cell is kept as often as it is hidden. The
    first bits of a Sobol sequence would be the same for many cells, which could then not be distinguished.
    """
    blocks = range(start // BLOCK, -(-stop // BLOCK))
    drawn = np.concatenate([_block(cells, number, seed) for number in blocks])
    return drawn[start - blocks.start * BLOCK :][: stop - start]


def _block(cells: int, number: int, seed: int) -> Kept:
    half = np.arange(BLOCK) % 2 == 0
    random = np.random.default_rng((seed, number))
    return random.permuted(np.repeat(half[:, None], cells, axis=1), axis=0)


class _Dependence:
    """The masks and scores so far, and how strongly the scores depend on each cell."""

    def __init__(self, segments: Segments, samples: int, targets: int) -> None:
        self._segments, self._known = segments, 0
        self._kept = np.zeros((samples, segments.count), bool)
        self._scores = np.zeros((samples, targets))
        self._range = ScoreRange(targets)

    def add(self, kept: Kept, scores: Floats) -> None:
        """Take masks (n, cells) and the scores (n, T) under them."""
        self._range.add(scores)
        new = slice(self._known, self._known + len(kept))
        self._kept[new], self._scores[new] = kept, scores
        self._known = new.stop

    def estimate(self, fraction: float, notes: tuple[str, ...]) -> Estimate:
        targets = self._scores.shape[1]
        values, errors = np.zeros((2, targets, self._segments.count))
        levels = np.zeros(targets)
        kept, scores = self._kept[: self._known], self._scores[: self._known]
        for target in np.flatnonzero(~self._range.still):
            own = scores[:, target]
            values[target], errors[target], levels[target] = dependence(kept, own, kernel_width(own))
        if fraction == 1:
            notes = notes + self._range.notes()
        maps, spread = self._segments.paint(values), self._segments.paint(errors)
        return Estimate(fraction, maps, {"chance_level": tuple(map(float, levels))}, spread, notes)


def kernel_width(scores: Doubles) -> float:
    """Return the median difference between two of the scores (n,), which are not all equal.

    If most are equal up to rounding, it is the median of the remaining differences.
    """
    sample = scores[:FOR_THE_WIDTH]
    differences = np.abs(sample[:, None] - sample)[np.triu_indices(len(sample), 1)]
    median, least = float(np.median(differences)), ROUNDING * float(np.abs(sample).max())
    if median > least:
        return median
    real = differences[differences > least]
    return float(np.median(real)) if len(real) else float(np.ptp(scores))


def dependence(kept: Kept, scores: Doubles, width: float) -> tuple[Doubles, Doubles, float]:
    """Return HSIC (cells,) of masks (n, cells) and scores (n,), its standard error, and its value by chance.

    trace(K H L H) / n² with the kernel K = 1/2 - (difference of two masks)² of a cell, L Gaussian in the difference
    of two scores with standard deviation `width`, and H, which subtracts the mean. K is half the product of
    signs, so with centred signs S it is the diagonal of S' L S / 2n².
    """
    count = len(scores)
    signs: Doubles = np.where(kept, 1.0, -1.0)
    groups = np.array_split(np.arange(count), GROUPS)
    with_all, within = np.zeros((2, GROUPS, 3, kept.shape[1]))
    for group, rows in enumerate(groups):
        kernel = np.exp(-0.5 * ((scores[rows, None] - scores) / width) ** 2)
        with_all[group] = _products(signs[rows], kernel, signs)
        within[group] = _products(signs[rows], kernel[:, rows], signs[rows])
    products, sums = with_all.sum(axis=0), signs.sum(axis=0)
    left_out = [
        _centred(products - 2 * with_all[group] + within[group], sums - signs[rows].sum(axis=0), count - len(rows))
        for group, rows in enumerate(groups)
    ]
    by_chance = 0.5 * (count - products[0, 0] / count) / (count * max(count - 1, 1))
    return _centred(products, sums, count), np.sqrt((GROUPS - 1) * np.var(left_out, axis=0)), float(by_chance)


def _products(row_signs: Doubles, kernel: Doubles, signs: Doubles) -> Doubles:
    """Return 1' L 1, the mean of 1' L s and s' L 1, and s' L s for each cell's signs s, (3, cells)."""
    applied, sums = kernel @ signs, kernel.sum(axis=1)
    ones = np.full(signs.shape[1], sums.sum())
    mixed = (applied.sum(axis=0) + sums @ row_signs) / 2
    return np.stack([ones, mixed, np.einsum("nc,nc->c", row_signs, applied)])


def _centred(products: Doubles, sums: Doubles, count: int) -> Doubles:
    """Return S' L S / 2n² from the `_products` of n samples and the sums (cells,) of their signs."""
    mean = sums / max(count, 1)
    ones, mixed, squares = products
    return np.asarray((squares - 2 * mean * mixed + mean**2 * ones) / (2 * max(count, 1) ** 2))
