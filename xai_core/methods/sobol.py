"""Sobol indices: the share of the score's variance under random masks that each cell of a grid takes part in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated

import numpy as np

from xai_core.families.mask_average import Averages
from xai_core.families.noise import STOP_AT, StopAtNoise, Stopping
from xai_core.families.perturbed import PerturbedOutputs
from xai_core.families.score_range import ScoreRange
from xai_core.families.segments import Fill, Segments, filling, notes_on
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, Seed, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.pictures.resampling import resized, stretch
from xai_core.types import Capability, Doubles, Estimate, Floats, Indices

LEAST_ROWS = 16  # before their standard error can be judged: of 8 it comes out a fifth too small
FITTED_ROWS = 8  # before a line through them removes more noise than it adds


@method(
    "sobol",
    title="Sobol indices",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="Fel, Cadène, Chalvidal, Cord, Vigouroux, Serre, Look at the Variance! Efficient Black-box Explanations "
    "with Sobol-based Sensitivity Analysis, 2021, arXiv 2111.04138; estimator of Jansen, 1999",
    cost="at most `rows` times (`grid`² + 2) forward passes, for any number of targets",
    guide=Guide(
        answers="What share of the score's variance under random masks does each cell take part in?",
        choose="For any model, when cells may matter only in combination: interactions count too.",
        limits="It does not say whether a cell speaks for or against the class. Shares add up to more than 1 if cells "
        "interact, and small ones disappear in the noise of few rows.",
    ),
    class_sensitivity="low",
)
class Sobol(Method):
    """Fade cells in and out at random and find each cell's part in the variance of the score."""

    grid: Annotated[int, Range(2, 16, unit="cells"), "Cells along a side of a mask: more are finer and cost more."] = 7
    rows: Annotated[
        int,
        Range(2, 256, steadier=True),
        f"Maximum number of rows of the design; a higher limit allows less noise, and continues an earlier run. Below "
        f"{LEAST_ROWS}, the noise is underestimated.",
    ] = 24
    stop_at_noise: StopAtNoise = STOP_AT
    fill: Fill = "black"
    averaging: Annotated[
        Averages,
        "steady: remove the noise that the distance between a cell's two values explains; as in the paper: the plain "
        "mean. Both have the same expected value.",
    ] = "steady"
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        cells = (min(self.grid, image.shape[0]), min(self.grid, image.shape[1]))
        design = Design(cells[0] * cells[1], self.rows, self.seed)
        stopping = Stopping(self.stop_at_noise, design.count, unit=design.width, least=LEAST_ROWS)
        return stopping.until_steady(self._indices(model, image, targets, cells, design, stopping), self)

    def _indices(
        self,
        model: Model,
        image: Floats,
        targets: Indices,
        cells: tuple[int, int],
        design: Design,
        stopping: Stopping,
    ) -> Iterator[Estimate]:
        fill = filling(self.fill, image, Segments.grid(image.shape[:2], *cells))
        fading = _Fading(image, fill, cells)
        indices = _Indices(design, len(targets), self.averaging == "steady")
        outputs = PerturbedOutputs(model, image, method=self.id, grid=self.grid, fill=self.fill, seed=self.seed)
        for start, stop, worth_a_preview in outputs.batches(0, design.count, self.batch_size, stopping):
            shown = design.numbered(np.arange(start, stop))
            raw = outputs.rows(start, stop, partial(fading.pictures, shown))
            indices.add(model.as_score(raw, self.score)[:, targets])
            if worth_a_preview:
                yield indices.estimate(stop / design.count, fading.paint, notes_on(image, fill))


class Design:
    """Rows of random values A and B of all cells, and for each cell row A with that cell's value of B.

    The values are a scrambled Halton sequence, in which cells differ more than in a Sobol sequence of so few rows.
    Pictures come row by row: A, B, then one cell after another, in a random order that is the same for each row.
    `count` is their number.
    """

    def __init__(self, cells: int, rows: int, seed: int) -> None:
        from scipy.stats import qmc

        values = qmc.Halton(2 * cells, scramble=True, rng=seed).random(rows)
        self._a, self._b = values[:, :cells], values[:, cells:]
        self.order = np.random.default_rng(seed).permutation(cells)
        self.rows, self.width = rows, cells + 2
        self.count = rows * self.width
        self.controls = (self._a - self._b) ** 2 / 2 - 1 / 12  # what a linear score would have, less what is expected

    def notes(self) -> tuple[str, ...]:
        """Return a sentence if there are too few rows to judge the noise."""
        if self.rows >= LEAST_ROWS:
            return ()
        return (
            f"{self.rows} rows are too few to judge the noise, which is probably larger than stated; use at least "
            f"{LEAST_ROWS}.",
        )

    def numbered(self, numbers: Indices) -> Floats:
        """Return the opacity of each cell, (n, cells) in [0, 1], in the pictures with these numbers."""
        rows, places = np.divmod(numbers, self.width)
        shown = np.where((places == 1)[:, None], self._b[rows], self._a[rows])
        replaced = np.flatnonzero(places > 1)
        cells = self.order[places[replaced] - 2]
        shown[replaced, cells] = self._b[rows[replaced], cells]
        return np.asarray(shown, np.float32)


class _Fading:
    """Blends of an image and its fill, both (H, W, 3), by masks of cells stretched bilinearly."""

    def __init__(self, image: Floats, fill: Floats, cells: tuple[int, int]) -> None:
        self._fill, self._difference, self._cells = fill, image - fill, cells
        self._down, self._across = (stretch(n, side) for n, side in zip(cells, image.shape[:2], strict=True))

    def pictures(self, shown: Floats, skip: int) -> Floats:
        """Return a picture for each mask in `shown` (n, cells) after the first `skip`."""
        columns = np.einsum("ngf,wf->ngw", shown[skip:].reshape(-1, *self._cells), self._across)
        masks = np.einsum("hg,ngw->nhw", self._down, columns)
        return np.asarray(self._fill + masks[..., None] * self._difference, np.float32)

    def paint(self, values: Doubles) -> Floats:
        """Return maps (T, H, W) of values (T, cells), stretched as the masks are."""
        return resized(values.reshape(-1, *self._cells).astype(np.float32), self._difference.shape[:2])


class _Indices:
    """Total-order indices by Jansen's estimator from the scores so far: the mean of (A - C)² / 2 over the variance."""

    def __init__(self, design: Design, targets: int, steady: bool) -> None:
        self._design, self._steady, self._known = design, steady, 0
        self._scores = np.full((design.rows, design.width, targets), np.nan)
        self._range = ScoreRange(targets)

    def add(self, scores: Floats) -> None:
        """Take the scores (n, T) of the next pictures."""
        self._range.add(scores)
        self._scores.reshape(-1, scores.shape[1])[self._known : self._known + len(scores)] = scores
        self._known += len(scores)

    def estimate(self, fraction: float, paint: Callable[[Doubles], Floats], notes: tuple[str, ...]) -> Estimate:
        """Return the estimate; `paint` turns values (T, cells) into maps."""
        variances = self._variances()
        totals = _over(self._mean_halves(), variances)
        figures = {
            "index_sum": tuple(map(float, totals.sum(axis=1))),
            "score_deviation": tuple(map(float, np.sqrt(variances))),
        }
        if fraction == 1:
            notes = notes + self._range.notes() + self._design.notes()
        errors = self._errors(totals, variances)
        return Estimate(fraction, paint(totals), figures, None if errors is None else paint(errors), notes)

    def _variances(self) -> Doubles:
        """Return the variance (T,) of the scores of A and B; 0 where they differ by rounding only."""
        base = self._scores[:, :2].reshape(-1, self._scores.shape[2])
        known = base[np.isfinite(base[:, 0])]
        return (
            np.where(self._range.still, 0.0, known.var(axis=0, ddof=1)) if len(known) > 1 else np.zeros(base.shape[1])
        )

    def _halves(self, rows: int) -> Doubles:
        """Return (A - C)² / 2, shape (rows, cells, T), NaN where C is not known yet.

        The further apart a cell's two values, the further the score moves; that part of the noise is removed.
        """
        halves = np.empty((rows, self._design.width - 2, self._scores.shape[2]))
        halves[:, self._design.order] = (self._scores[:rows, :1] - self._scores[:rows, 2:]) ** 2 / 2
        return without_control(halves, self._design.controls[:rows, :, None]) if self._steady else halves

    def _mean_halves(self) -> Doubles:
        """Return the mean (T, cells) over the rows; a cell without any value yet gets the mean of the others."""
        halves = self._halves(self._design.rows)
        known = np.isfinite(halves)
        counts = known.sum(axis=0)
        means = np.where(known, halves, 0).sum(axis=0) / np.maximum(counts, 1)
        others = means.sum(axis=0) / np.maximum((counts > 0).sum(axis=0), 1)
        return np.asarray(np.where(counts > 0, means, others).T)

    def _errors(self, totals: Doubles, variances: Doubles) -> Doubles | None:
        """Return the standard error (T, cells) of the ratio of two means over rows; None before there are two rows."""
        rows = self._known // self._design.width
        if rows < 2:
            return None
        base = self._scores[:rows, :2]
        spread = ((base - base.mean(axis=(0, 1))) ** 2).mean(axis=1)
        off = self._halves(rows) - spread[:, None] * totals.T
        return _over(off.std(axis=0, ddof=1).T / np.sqrt(rows), variances)


def without_control(values: Doubles, controls: Doubles) -> Doubles:
    """Return values (rows, ...) minus what a line fitted to the other rows predicts from controls of mean zero.

    controls: (rows, ...), broadcast. NaN values stay NaN and are ignored. Each row's line is fitted without that row
    (cross-fitting), so the expected value does not change.
    """
    known = np.isfinite(values)
    x, y = np.where(known, controls, 0.0), np.where(known, values, 0.0)
    count = np.maximum(known.sum(axis=0) - known, 1)
    mean_x, mean_y = (x.sum(axis=0) - x) / count, (y.sum(axis=0) - y) / count
    spread = (x**2).sum(axis=0) - x**2 - count * mean_x**2
    shared = (x * y).sum(axis=0) - x * y - count * mean_x * mean_y
    enough = count >= FITTED_ROWS - 1
    slopes = np.divide(shared, spread, out=np.zeros_like(shared), where=enough & (spread > 0))
    return np.asarray(values - slopes * controls)


def _over(values: Doubles, variances: Doubles) -> Doubles:
    """Return values (T, cells) as shares of the variances (T,), 0 where the variance is 0."""
    varying = variances[:, None] > 0
    return np.divide(values, variances[:, None], out=np.zeros_like(values), where=varying)
