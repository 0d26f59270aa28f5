"""Gradients of noisy copies of a picture: what SmoothGrad, VarGrad and SquareGrad share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

import numpy as np

from xai_core.families.noise import STOP_AT, StopAtNoise, Stopping
from xai_core.method import BatchSize, ExplainedScore, Method, Seed
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Doubles, Estimate, Floats, Indices


@dataclass(frozen=True)
class Moments:
    """The gradients (T, H, W, 3) of `count` noisy copies: means of their first to fourth powers."""

    count: int
    first: Doubles
    second: Doubles
    third: Doubles
    fourth: Doubles

    @property
    def variances(self) -> Doubles:
        """Mean squared distance to the mean."""
        return np.asarray(np.maximum(self.second - self.first**2, 0))

    @property
    def central_fourth(self) -> Doubles:
        """Mean fourth power of the distance to the mean."""
        mean = self.first
        return np.asarray(self.fourth - 4 * mean * self.third + 6 * mean**2 * self.second - 3 * mean**4)

    def standard_error(self, variances: Doubles) -> Doubles:
        """Return the standard error of a mean of values that have `variances`."""
        return np.asarray(np.sqrt(np.maximum(variances, 0) / max(self.count - 1, 1)))


@dataclass(frozen=True, kw_only=True)
class NoisyGradients(Method):
    """Base of the methods that look at the gradients of noisy copies; raising `samples` continues from the last run.

    Source of the noise: Smilkov and others, SmoothGrad, 2017, arXiv 1706.03825.
    """

    samples: Annotated[
        int,
        Range(4, 2000, steadier=True),
        "Maximum number of noisy copies; a higher limit allows less noise, and continues an earlier run.",
    ] = 500
    stop_at_noise: StopAtNoise = STOP_AT
    noise: Annotated[
        float, Range(0.01, 0.5, 0.01), "Standard deviation of the noise, where the picture's values lie in 0 to 1."
    ] = 0.15
    score: ExplainedScore = "logit"
    batch_size: BatchSize = 8
    seed: Seed = 0

    @abstractmethod
    def maps(self, moments: Moments) -> tuple[Floats, Floats]:
        """Return the maps (T, H, W) and their standard error."""

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        stopping = Stopping.of_gradients(self.stop_at_noise, self.samples)
        return stopping.until_steady(self._means(model, image, targets, stopping), self)

    def _means(self, model: Model, image: Floats, targets: Indices, stopping: Stopping) -> Iterator[Estimate]:
        sums = _Sums.recalled(model, self._key(image, targets), (len(targets), *image.shape), self.seed, stopping)
        at_once = max(1, self.batch_size // len(targets))
        if sums.count:
            yield self._estimate(sums)
        while sums.count < self.samples:
            more = min(at_once, stopping.next_check(sums.count) - sums.count)
            copies = sums.noisy(image, more, self.noise)
            pictures = np.repeat(copies, len(targets), axis=0)
            gradients = model.gradients(pictures, np.tile(targets, len(copies)), self.score)
            sums.add(gradients.reshape(len(copies), len(targets), *image.shape))
            yield self._estimate(sums)

    def _estimate(self, sums: _Sums) -> Estimate:
        maps, errors = self.maps(sums.moments())
        return Estimate(sums.count / self.samples, maps, standard_error=errors if sums.count > 1 else None)

    def _key(self, image: Floats, targets: Indices) -> str:
        digest = sha256(image.tobytes()).hexdigest()
        return f"noisy gradients {self.noise} {self.seed} {self.score} {targets.tolist()} {digest}"


class _Sums:
    """Running sums that a later run with more samples continues, with the state of the random draws."""

    def __init__(self, model: Model, key: str, shape: tuple[int, ...], seed: int, percent: float) -> None:
        self._model, self._key, self._percent = model, key, percent
        self._random = np.random.Generator(np.random.PCG64(seed))
        self.count = 0
        self._powers = np.zeros((4, *shape))

    @classmethod
    def recalled(cls, model: Model, key: str, shape: tuple[int, ...], seed: int, stopping: Stopping) -> _Sums:
        """Return the sums of an earlier run if this run would have passed through them, or fresh ones."""
        sums = cls(model, key, shape, seed, stopping.percent)
        known = model.recall(key)
        if known and stopping.continues(known["percent"], known["count"]):
            sums.count, sums._powers = known["count"], known["powers"].copy()
            sums._random.bit_generator.state = deepcopy(known["random"])
        return sums

    def noisy(self, image: Floats, count: int, noise: float) -> Floats:
        """Return the next `count` noisy copies (n, H, W, 3)."""
        drawn = self._random.standard_normal((count, *image.shape), np.float32)
        return np.asarray(image + np.float32(noise) * drawn, np.float32)

    def add(self, gradients: Floats) -> None:
        """Take gradients (n, T, H, W, 3), one copy after another, so that the batch size does not change a sum.

        Memory is allocated before the first sum changes, so that what is kept never contains half a batch.
        """
        doubles = gradients.astype(np.float64)
        power = np.empty_like(doubles[0])
        for gradient in doubles:
            power.fill(1)
            for sums in self._powers:
                power *= gradient
                sums += power
        self.count += len(gradients)
        state: Any = self._random.bit_generator.state
        self._model.keep(self._key, count=self.count, percent=self._percent, powers=self._powers, random=state)

    def moments(self) -> Moments:
        return Moments(self.count, *(self._powers / self.count))
