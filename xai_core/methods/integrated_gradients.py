"""Integrated Gradients: gradients accumulated along the straight path from a baseline to the picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

import numpy as np

from xai_core.families.baselines import RANDOM, ComparedWith, baseline_picture
from xai_core.families.completeness import completeness_errors
from xai_core.families.random_baseline import SeedOfBaseline
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.params import OnlyIf, Range
from xai_core.types import Capability, Doubles, Estimate, Floats, Indices

MOST_STEPS = 512


@method(
    "integrated_gradients",
    title="Integrated Gradients",
    group="Gradient",
    needs=Capability.GRADIENT,
    source="Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, 2017, arXiv 1703.01365",
    cost="`steps` backward passes per target",
    guide=Guide(
        answers="How much does each pixel contribute to the difference in score from a baseline without information?",
        choose="When the map must add up: its sum equals the difference in score, and the error is shown.",
        limits="The map depends on the baseline: pixels that look like it get a value near zero however much they "
        "matter.",
    ),
)
class IntegratedGradients(Method):
    """Divide the difference in score from a baseline among the pixels."""

    steps: Annotated[
        int, Range(8, MOST_STEPS, steadier=True), "Points on the path. More are slower and more accurate."
    ] = 50
    baseline: ComparedWith = "black"
    score: ExplainedScore = "logit"
    double_steps: Annotated[
        bool, f"Keep doubling the steps, up to {MOST_STEPS}, until the completeness error is below the tolerance."
    ] = False
    tolerance: Annotated[
        float, Range(0.1, 20, 0.1, "%"), OnlyIf("double_steps", True), "Completeness error to reach."
    ] = 1.0
    batch_size: BatchSize = 5
    seed: SeedOfBaseline = 0

    @property
    def draws_at_random(self) -> bool:
        """Whether the baseline is noise; nothing else here is drawn."""
        return self.baseline == RANDOM

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        start = baseline_picture(self.baseline, image, self.seed)
        ends = model.predict(np.stack([image, start]), self.score)[:, targets].astype(np.float64)
        integral, key = _Integral(image - start, ends), self._key(image, targets)
        integral.recall(model.recall(key), self.steps)
        refinements = list(self._refinements())
        work, fraction = refinements[-1] * len(targets), 0.0
        for intervals in refinements:
            level = _Level.finer(integral.intervals, intervals)
            for at, weights, which in level.batches(len(targets), self.batch_size):
                pictures = start + at[:, None, None, None] * integral.way
                integral.add(model.gradients(pictures, targets[which], self.score), weights, which)
                fraction = float(integral.points.sum() / work)
                yield integral.estimate(fraction)
            integral.intervals = intervals
            model.keep(key, **integral.state())
            if integral.within(self.tolerance / 100):
                break
        if fraction < 1:
            yield integral.estimate(1.0)

    def _refinements(self) -> Iterator[int]:
        """Yield numbers of intervals, each twice the one before."""
        intervals = self.steps
        yield intervals
        while self.double_steps and 2 * intervals <= MOST_STEPS:
            intervals *= 2
            yield intervals

    def _key(self, image: Floats, targets: Indices) -> str:
        digest = sha256(image.tobytes()).hexdigest()
        return f"{self.id} {self.baseline} {self.seed} {self.score} {targets.tolist()} {digest}"


@dataclass(frozen=True)
class _Level:
    """Positions on the path in [0, 1] and their weights, ordered so that any first part is spread over all of it.

    Near the baseline, where scores mostly change fastest, points lie closer: position = t^2 for t spread evenly, with
    weight d position / d t = 2 t, by the trapezoid rule. The points of a number of intervals are among those of any
    multiple of it, so a finer level continues from a coarser one.
    """

    positions: Floats
    weights: Floats

    @classmethod
    def finer(cls, known: int, intervals: int) -> _Level:
        """Return the points of `intervals` that are new compared with `known` intervals, a divisor of it or 0."""
        number = np.arange(1, intervals + 1)  # the baseline itself has no weight
        if known:
            number = number[number % (intervals // known) > 0]
        number = number[spread_order(len(number))] if len(number) else number
        t = number / intervals
        return cls((t**2).astype(np.float32), (2 * t * np.where(number < intervals, 1.0, 0.5)).astype(np.float32))

    def batches(self, targets: int, size: int) -> Iterator[tuple[Floats, Floats, Indices]]:
        """Yield positions, weights and the number of the target, each (n,) with n <= `size`."""
        points, which = np.divmod(np.arange(len(self.positions) * targets), targets)
        for first in range(0, len(points), size):
            chosen = points[first : first + size]
            yield self.positions[chosen], self.weights[chosen], which[first : first + size]


class _Integral:
    """The weighted mean of the gradients so far, times the difference between the picture and the baseline.

    intervals: the finest division of the path whose points have all been added; 0 at the start.
    """

    def __init__(self, way: Floats, ends: Doubles) -> None:
        self.way, self.intervals = way, 0
        self.points = np.zeros(ends.shape[1], np.int64)
        self._ends = ends
        self._sums = np.zeros((ends.shape[1], *way.shape[:2]))
        self._weights = np.zeros(ends.shape[1])

    def recall(self, known: Mapping[str, Any], steps: int) -> None:
        """Continue from what `state` returned, if `steps` is a multiple of its intervals."""
        if known and steps % known["intervals"] == 0:
            self.intervals = known["intervals"]
            self._sums, self._weights = known["sums"].copy(), known["weights"].copy()
            self.points[:] = self.intervals

    def state(self) -> dict[str, Any]:
        """Return a copy from which a later run continues."""
        return {"intervals": self.intervals, "sums": self._sums.copy(), "weights": self._weights.copy()}

    def add(self, gradients: Floats, weights: Floats, which: Indices) -> None:
        shares = np.einsum("nhwc,hwc->nhw", gradients, self.way)
        for share, weight, target in zip(shares, weights, which, strict=True):
            self._sums[target] += weight * share
            self._weights[target] += weight
            self.points[target] += 1

    def estimate(self, fraction: float) -> Estimate:
        figures = {"completeness_error": self._errors(), "points": tuple(float(n) for n in self.points)}
        return Estimate(fraction, self._means().astype(np.float32), figures)

    def within(self, tolerance: float) -> bool:
        """Return whether the error of every target, if defined, is below `tolerance`."""
        return all(error is None or error < tolerance for error in self._errors())

    def _means(self) -> Doubles:
        return self._sums / np.where(self._weights > 0, self._weights, 1)[:, None, None]

    def _errors(self) -> tuple[float | None, ...]:
        return completeness_errors(self._means().sum(axis=(1, 2)), *self._ends)


def spread_order(count: int) -> Indices:
    """Return 0..count-1 in van der Corput order: each next number falls into the widest gap left."""
    bits = max(1, (count - 1).bit_length())
    numbers = np.arange(2**bits)
    turned = np.zeros_like(numbers)
    for bit in range(bits):
        turned |= ((numbers >> bit) & 1) << (bits - 1 - bit)
    return np.asarray(turned[turned < count], np.int64)
