"""Integrated Gradients: gradients summed along the straight path from a baseline to the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from xai_core.baselines import ComparedWith, baseline_picture
from xai_core.completeness import completeness_errors
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, Seed, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Capability, Estimate, Floats, Indices

MOST_STEPS = 512

Doubles = NDArray[np.float64]


@method(
    "integrated_gradients",
    title="Integrated Gradients",
    group="Gradient",
    needs=Capability.GRADIENT,
    source="Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, 2017, arXiv 1703.01365",
    cost="`steps` backward passes a target",
    guide=Guide(
        answers="How much of the score's difference to a picture without information does each pixel account for?",
        choose="When the map must add up: its sum is the score's difference, and the error of that is shown.",
        limits="The answer depends on the baseline; pixels that look like it get nothing, however much they matter.",
    ),
)
class IntegratedGradients(Method):
    """Share out the score's difference to a baseline among the pixels."""

    steps: Annotated[int, Range(8, MOST_STEPS, steadier=True), "Points on the path; more is slower and more exact."] = (
        50
    )
    baseline: ComparedWith = "black"
    score: ExplainedScore = "logit"
    until_below: Annotated[
        bool, f"Double the steps, up to {MOST_STEPS}, until the completeness error is below the tolerance."
    ] = False
    tolerance: Annotated[
        float, Range(0.1, 20, 0.1, "%"), "Completeness error to reach, where the steps may be doubled."
    ] = 1.0
    batch_size: BatchSize = 5
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        start = baseline_picture(self.baseline, image, self.seed)
        ends = model.predict(np.stack([image, start]), self.score)[:, targets].astype(np.float64)
        integral = _Integral(image - start, ends)
        levels = list(self._levels())
        work = sum(len(level.positions) for level in levels) * len(targets)
        for level in levels:
            for at, weights, which in level.batches(len(targets), self.batch_size):
                pictures = start + at[:, None, None, None] * integral.way
                integral.add(model.gradients(pictures, targets[which], self.score), weights, which)
                yield integral.estimate(integral.points.sum() / work)
            if integral.within(self.tolerance / 100):
                break
        if integral.points.sum() < work:
            yield integral.estimate(1.0)

    def _levels(self) -> Iterator[_Level]:
        """Yield sets of points; with each further one the weighted mean of all becomes the next trapezoid rule."""
        yield _Level.midpoints(self.steps)
        intervals = 2 * self.steps
        if self.until_below and intervals <= MOST_STEPS:
            yield _Level.edges(self.steps)
        while self.until_below and 2 * intervals <= MOST_STEPS:
            yield _Level.midpoints(intervals)
            intervals *= 2


@dataclass(frozen=True)
class _Level:
    """Positions on the path in [0, 1] and their weights, ordered so that any first part is spread over all of it.

    Near the baseline, where scores mostly change fastest, points lie closer: position = t^2 for t spread evenly, with
    weight d position / d t = 2 t.
    """

    positions: Floats
    weights: Floats

    @classmethod
    def midpoints(cls, intervals: int) -> _Level:
        return cls._at((spread_order(intervals) + 0.5) / intervals)

    @classmethod
    def edges(cls, intervals: int) -> _Level:
        number = spread_order(intervals) + 1  # the baseline itself has no weight
        return cls._at(number / intervals, np.where(number < intervals, 1.0, 0.5))

    @classmethod
    def _at(cls, t: Doubles, share: Doubles | float = 1.0) -> _Level:
        return cls((t**2).astype(np.float32), (2 * t * share).astype(np.float32))

    def batches(self, targets: int, size: int) -> Iterator[tuple[Floats, Floats, Indices]]:
        """Yield positions, weights and the number of the target, each (n,) with n <= `size`."""
        points, which = np.divmod(np.arange(len(self.positions) * targets), targets)
        for first in range(0, len(points), size):
            chosen = points[first : first + size]
            yield self.positions[chosen], self.weights[chosen], which[first : first + size]


class _Integral:
    """The weighted mean of the gradients so far, times the way from the baseline to the picture."""

    def __init__(self, way: Floats, ends: Doubles) -> None:
        self.way = way
        self.points = np.zeros(ends.shape[1], np.int64)
        self._ends = ends
        self._sums = np.zeros((ends.shape[1], *way.shape[:2]))
        self._weights = np.zeros(ends.shape[1])

    def add(self, gradients: Floats, weights: Floats, which: Indices) -> None:
        shares = np.einsum("nhwc,hwc->nhw", gradients, self.way)
        for share, weight, target in zip(shares, weights, which, strict=True):
            self._sums[target] += weight * share
            self._weights[target] += weight
            self.points[target] += 1

    def estimate(self, fraction: float) -> Estimate:
        figures = {"completeness_error": self._errors(), "points": tuple(float(n) for n in self.points)}
        return Estimate(float(fraction), self._means().astype(np.float32), figures)

    def within(self, tolerance: float) -> bool:
        """Say whether the error of every target, as far as it is defined, is below `tolerance`."""
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
