"""KernelSHAP: Shapley values of superpixels, from one weighted regression."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import comb
from typing import Annotated, Protocol

import numpy as np

from xai_core.families.completeness import completeness_errors
from xai_core.families.noise import STOP_AT, StopAtNoise, Stopping
from xai_core.families.perturbed import PerturbedOutputs
from xai_core.families.score_range import ScoreRange
from xai_core.families.segments import Fill, Hiding, Kept, Segments
from xai_core.families.superpixels import Algorithm, Count, superpixels
from xai_core.families.weighted_sums import WeightedSums, jackknife, of_fits, solve
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, Seed, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Capability, Doubles, Estimate, Floats, Indices


@method(
    "kernel_shap",
    title="KernelSHAP",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="Lundberg, Lee, A Unified Approach to Interpreting Model Predictions, 2017, arXiv 1705.07874; "
    "pairs as in Covert, Lee, Improving KernelSHAP, 2021, arXiv 2012.01536",
    cost="at most `samples` forward passes, for any number of targets",
    guide=Guide(
        answers="How much does each superpixel contribute to the score, compared with a fully hidden picture?",
        choose="For any model, when contributions must add up to the score difference and parts may interact.",
        limits="Contributions depend on the fill and the superpixels; hiding parts creates unnatural pictures. With "
        "few samples the contributions are noisy.",
    ),
)
class KernelShap(Method):
    """Split the score's difference from the hidden picture among superpixels by a weighted regression."""

    superpixels: Algorithm = "slic"
    count: Count = 50
    samples: Annotated[
        int,
        Range(50, 20000, 50, steadier=True),
        "Maximum number of pictures with superpixels hidden; more allow less noise, and continue an earlier run.",
    ] = 1000
    stop_at_noise: StopAtNoise = STOP_AT
    fill: Fill = "grey"
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        segments = superpixels(self.superpixels, image, self.count)
        coalitions = coalitions_of(segments.count, self.samples - len(ENDS), self.seed)
        percent = 0.0 if coalitions.complete else self.stop_at_noise
        stopping = of_fits(percent, len(ENDS) + coalitions.count, segments.count, len(ENDS))
        return stopping.until_steady(self._fits(model, image, targets, segments, coalitions, stopping), self)

    def _fits(
        self,
        model: Model,
        image: Floats,
        targets: Indices,
        segments: Segments,
        coalitions: Coalitions,
        stopping: Stopping,
    ) -> Iterator[Estimate]:
        hiding = Hiding(image, segments, self.fill)
        outputs = PerturbedOutputs(
            model,
            image,
            method=self.id,
            superpixels=self.superpixels,
            count=self.count,
            fill=self.fill,
            coalitions=coalitions.name,
        )
        ends = np.repeat(ENDS[:, None], segments.count, axis=1)
        raw = outputs.rows(0, len(ENDS), partial(hiding.pictures, ends))
        fit = _Fit(segments, model.as_score(raw, self.score)[:, targets], coalitions.complete)
        last = stopping.total
        for start, stop, worth_a_preview in outputs.batches(len(ENDS), last, self.batch_size, stopping):
            numbers = np.arange(start, stop) - len(ENDS)
            kept, weights = coalitions.numbered(numbers)
            raw = outputs.rows(start, stop, partial(hiding.pictures, kept))
            fit.add(kept, model.as_score(raw, self.score)[:, targets], weights, numbers // 2)
            if worth_a_preview:
                yield fit.estimate(stop / last, hiding.notes)
        if not coalitions.count:
            yield fit.estimate(1.0, hiding.notes)


EXACT = "Every set of superpixels was tried, so the contributions are exact."
ENDS = np.array([True, False])  # all is kept, nothing is kept: pictures 0 and 1 of each run


class Coalitions(Protocol):
    """Sets of kept segments except all and none, each followed by its complement.

    complete: whether these are all possible sets. name: identifies them in a ledger's key.
    """

    count: int
    complete: bool
    name: str

    def numbered(self, numbers: Indices) -> tuple[Kept, Doubles]:
        """Return the sets (n, segments) of these numbers and their weights (n,)."""


def coalitions_of(segments: int, most: int, seed: int) -> Coalitions:
    """Return all coalitions if there are at most `most`, and otherwise that many random ones."""
    return EveryCoalition(segments) if 2**segments - 2 <= most else DrawnCoalitions(segments, most, seed)


class EveryCoalition:
    """All sets of segments except the empty and the full one, weighted by the Shapley kernel, heaviest first."""

    complete = True
    name = "every one"

    def __init__(self, segments: int) -> None:
        codes = np.arange(1, 2 ** (segments - 1))
        small = np.array([[code >> bit & 1 for bit in range(segments)] for code in codes], bool).reshape(-1, segments)
        sizes = small.sum(axis=1)
        small = small[np.argsort(np.minimum(sizes, segments - sizes), kind="stable")]
        self._kept = np.stack([small, ~small], axis=1).reshape(-1, segments)
        self.count = len(self._kept)

    def numbered(self, numbers: Indices) -> tuple[Kept, Doubles]:
        kept = self._kept[numbers]
        return kept, kernel_weights(kept.shape[1])[kept.sum(axis=1) - 1]


class DrawnCoalitions:
    """Sets whose size is drawn with the Shapley kernel's weight of all sets of that size, so each counts equally."""

    complete = False

    def __init__(self, segments: int, count: int, seed: int) -> None:
        self.count, self.name = count, f"drawn from {seed}"
        self._segments, self._seed = segments, seed
        sizes = np.arange(1, segments)
        shares = 1 / (sizes * (segments - sizes))
        self._up_to = np.cumsum(shares) / shares.sum()

    def numbered(self, numbers: Indices) -> tuple[Kept, Doubles]:
        kept = np.stack([self._coalition(int(number)) for number in numbers])
        return kept, np.ones(len(kept))

    def _coalition(self, number: int) -> Kept:
        pair, complement = divmod(number, 2)
        random = np.random.default_rng((self._seed, pair))
        size = 1 + int(np.searchsorted(self._up_to[:-1], random.random(), side="right"))
        ranks = random.permutation(self._segments)
        return np.asarray(ranks >= size if complement else ranks < size)


def kernel_weights(segments: int) -> Doubles:
    """Return the Shapley kernel (d - 1) / (C(d, s) s (d - s)) of a set of s = 1, ..., d - 1 out of d segments."""
    return np.array([(segments - 1) / (comb(segments, s) * s * (segments - s)) for s in range(1, segments)])


class _Fit:
    """The regression constrained to pass through the scores of the whole and of the hidden picture.

    ends: scores (2, T) with everything kept and with nothing kept. complete: whether all coalitions will come.
    """

    def __init__(self, segments: Segments, ends: Floats, complete: bool) -> None:
        self._segments, self._complete = segments, complete
        self._whole, self._none = ends.astype(np.float64)
        self._sums = WeightedSums(segments.count, ends.shape[1])
        self._range = ScoreRange(ends.shape[1])
        self._range.add(ends)

    def add(self, kept: Kept, scores: Floats, weights: Doubles, pairs: Indices) -> None:
        self._range.add(scores)
        self._sums.add(kept, scores, weights, pairs)

    def estimate(self, fraction: float, notes: tuple[str, ...]) -> Estimate:
        values = self._values(self._sums.whole)
        errors = completeness_errors(values.sum(axis=0), self._whole, self._none)
        figures = {"efficiency_error": errors, "superpixels": (float(self._segments.count),) * len(self._whole)}
        if fraction == 1:
            notes = notes + ((EXACT,) if self._complete else self._sums.notes()) + self._range.notes()
        maps = self._segments.paint(self._range.moved(values.T))
        return Estimate(fraction, maps, figures, self._standard_error(fraction), notes)

    def _values(self, sums: Doubles) -> Doubles:
        return shapley_fit(sums, self._segments.count, self._whole, self._none)

    def _standard_error(self, fraction: float) -> Floats | None:
        if self._complete:
            return np.zeros((len(self._whole), *self._segments.labels.shape), np.float32) if fraction == 1 else None
        error = jackknife(self._values(self._sums.without_each))
        return None if error is None else self._segments.paint(error.T)


def shapley_fit(sums: Doubles, segments: int, whole: Doubles, none: Doubles) -> Doubles:
    """Return values (..., segments, T) that add up to whole - none, both (T,), and fit these `WeightedSums` best.

    Each segment starts from an equal share, so only deviations that add up to zero remain to be fitted.
    """
    inner, ones = sums[..., 1 : segments + 1, 1 : segments + 1], sums[..., 1 : segments + 1, :1]
    share = (whole - none) / segments
    right = sums[..., 1 : segments + 1, segments + 1 :] - ones * none - inner.sum(axis=-1, keepdims=True) * share
    centre = np.eye(segments) - 1 / segments
    fixed = np.trace(inner, axis1=-2, axis2=-1)[..., None, None] / segments**2
    moved = solve(centre @ inner @ centre + fixed, centre @ right)
    return np.asarray(share + moved - moved.mean(axis=-2, keepdims=True))
