"""LIME: a linear model of the score, fitted close to the picture."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import numpy as np

from xai_core.families.noise import STOP_AT, StopAtNoise, Stopping
from xai_core.families.perturbed import PerturbedOutputs
from xai_core.families.score_range import ScoreRange
from xai_core.families.segments import Fill, Hiding, Kept, Segments
from xai_core.families.superpixels import Algorithm, Count, superpixels
from xai_core.families.weighted_sums import WeightedSums, jackknife, of_fits, ridge_fit
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, Seed, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Capability, Doubles, Estimate, Floats, Indices


@method(
    "lime",
    title="LIME",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="Ribeiro, Singh, Guestrin, Why Should I Trust You? Explaining the Predictions of Any Classifier, 2016, "
    "arXiv 1602.04938",
    cost="at most `samples` forward passes, for any number of targets",
    guide=Guide(
        answers="Which superpixels raise the score and which lower it, according to a local linear model?",
        choose="For any model, when you care about whole regions rather than pixels, and about signs.",
        limits="The weights mean something only if the fit (R²) is good. Different superpixels, kernel widths or seeds "
        "give different weights, and interactions between parts are not captured.",
    ),
)
class Lime(Method):
    """Hide random superpixels and fit a linear model to the scores, weighting nearby pictures more."""

    superpixels: Algorithm = "slic"
    count: Count = 50
    samples: Annotated[
        int,
        Range(50, 20000, 50, steadier=True),
        "Maximum number of random pictures; a higher limit allows less noise, and continues an earlier run.",
    ] = 1000
    stop_at_noise: StopAtNoise = STOP_AT
    kernel_width: Annotated[
        float, Range(0.05, 2, 0.05), "Distance from the picture that still counts: smaller is more local and noisier."
    ] = 0.25
    fill: Fill = "segment"
    ridge: Annotated[
        float, Range(0, 100, 0.1), "Pulls all weights towards zero: higher values are steadier and fainter."
    ] = 1.0
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        segments = superpixels(self.superpixels, image, self.count)
        stopping = of_fits(self.stop_at_noise, self.samples, segments.count)
        return stopping.until_steady(self._fits(model, image, targets, segments, stopping), self)

    def _fits(
        self, model: Model, image: Floats, targets: Indices, segments: Segments, stopping: Stopping
    ) -> Iterator[Estimate]:
        hiding = Hiding(image, segments, self.fill)
        draws = Draws(segments.count, self.seed)
        fit = _Fit(segments, len(targets), self.ridge)
        outputs = PerturbedOutputs(
            model,
            image,
            method=self.id,
            superpixels=self.superpixels,
            count=self.count,
            fill=self.fill,
            seed=self.seed,
        )
        for start, stop, worth_a_preview in outputs.batches(0, self.samples, self.batch_size, stopping):
            kept = draws.draw(stop - start)
            raw = outputs.rows(start, stop, partial(hiding.pictures, kept))
            scores = model.as_score(raw, self.score)[:, targets]
            fit.add(kept, scores, closeness(kept, self.kernel_width), np.arange(start, stop))
            if worth_a_preview:
                yield fit.estimate(stop / self.samples, hiding.notes)


class Draws:
    """The endless sequence of draws of one seed: all kept first, then each segment kept with probability 1/2."""

    def __init__(self, segments: int, seed: int) -> None:
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._segments, self._drawn = segments, 0

    def draw(self, count: int) -> Kept:
        """Return the next `count` draws, (n, segments); the number drawn at a time does not change them."""
        kept = self._random.random((count, self._segments)) < 0.5
        kept[: max(0, 1 - self._drawn)] = True
        self._drawn += count
        return kept


def closeness(kept: Kept, kernel_width: float) -> Doubles:
    """Return the weights (n,) of draws (n, d): sqrt(exp(-D²/w²)), with D the cosine distance to keeping everything.

    D is 1 - sqrt(share kept), and 1 where nothing is kept.
    """
    distances = 1 - np.sqrt(kept.mean(axis=1, dtype=np.float64))
    return np.asarray(np.exp(-0.5 * (distances / kernel_width) ** 2))


class _Fit:
    """The weighted ridge regression of the scores on what is kept."""

    def __init__(self, segments: Segments, targets: int, ridge: float) -> None:
        self._segments, self._ridge, self._targets = segments, ridge, targets
        self._sums = WeightedSums(segments.count, targets)
        self._range = ScoreRange(targets)
        self._mass, self._squares = 0.0, 0.0

    def add(self, kept: Kept, scores: Floats, weights: Doubles, numbers: Indices) -> None:
        self._range.add(scores)
        self._mass, self._squares = self._mass + weights.sum(), self._squares + np.square(weights).sum()
        self._sums.add(kept, scores, weights, numbers)

    def estimate(self, fraction: float, notes: tuple[str, ...]) -> Estimate:
        weights, fits = ridge_fit(self._sums.whole, self._segments.count, self._ridge)
        samples = self._mass**2 / max(self._squares, np.finfo(float).tiny)
        r2 = tuple(
            None if still else adjusted(float(r2), samples, self._segments.count)
            for r2, still in zip(fits, self._range.still, strict=True)
        )
        figures = {"fit_r2": r2, "superpixels": (float(self._segments.count),) * self._targets}
        if fraction == 1:
            notes = notes + self._range.notes() + self._sums.notes()
        return Estimate(
            fraction, self._segments.paint(self._range.moved(weights.T)), figures, self._standard_error(), notes
        )

    def _standard_error(self) -> Floats | None:
        error = jackknife(ridge_fit(self._sums.without_each, self._segments.count, self._ridge)[0])
        return None if error is None else self._segments.paint(error.T)


def adjusted(r2: float, samples: float, segments: int) -> float | None:
    """Return R² corrected for what a fit of that many segments reaches by chance; None with too few samples.

    samples: how many there are, or for unequal weights w their effective number (sum w)² / sum w² (Kish). The result
    may be negative; with a strong ridge it is too small rather than too large. Source: Ezekiel, 1930.
    """
    left = samples - segments - 1
    return 1 - (1 - r2) * (samples - 1) / left if left > 0 else None
