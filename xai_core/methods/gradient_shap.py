"""Expected gradients: Integrated Gradients from many baselines, at a random point of each path."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from hashlib import sha256
from typing import Annotated, Any, Literal

import numpy as np

from xai_core.families.baselines import blurred
from xai_core.families.completeness import completeness_errors
from xai_core.families.noise import STOP_AT, StopAtNoise, Stopping
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, Seed, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "gradient_shap",
    title="GradientSHAP (expected gradients)",
    group="Gradient",
    needs=Capability.GRADIENT,
    source="Erion, Janizek, Sturmfels, Lundberg, Lee, Improving Performance of Deep Learning Models with Axiomatic "
    "Attribution Priors and Expected Gradients, 2021, arXiv 1906.10670",
    cost="at most `samples` backward passes per target and `samples` forward passes",
    guide=Guide(
        answers="How much does each pixel contribute, compared with many uninformative pictures instead of just one?",
        choose="When no single baseline fits, for example for objects as dark as a black baseline.",
        limits="It is random, and its noise is shown. The sum is exact only on average; that error is shown too.",
    ),
)
class GradientShap(Method):
    """Average Integrated Gradients over many baselines."""

    samples: Annotated[
        int,
        Range(8, 1000, steadier=True),
        "Maximum number of random baselines, each with one point on its path; a higher limit allows less noise.",
    ] = 64
    stop_at_noise: StopAtNoise = STOP_AT
    baselines: Annotated[
        Literal["colours", "noise", "blurred"],
        "Pictures that carry no information: plain colours, noise, or blurred versions of the picture.",
    ] = "colours"
    score: ExplainedScore = "logit"
    batch_size: BatchSize = 8
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        stopping = Stopping.of_gradients(self.stop_at_noise, self.samples)
        return stopping.until_steady(self._means(model, image, targets, stopping), self)

    def _means(self, model: Model, image: Floats, targets: Indices, stopping: Stopping) -> Iterator[Estimate]:
        whole = model.predict(image[None], self.score)[0, targets]
        mean = _Mean(model, self._key(image, targets), (len(targets), *image.shape[:2]), self.seed, stopping)
        at_once = max(1, self.batch_size // len(targets))
        if mean.count:
            yield mean.estimate(mean.count / self.samples, whole)
        while mean.count < self.samples:
            more = min(at_once, stopping.next_check(mean.count) - mean.count)
            drawn = [self._draw(image, mean.random) for _ in range(more)]
            starts = np.stack([start for start, _ in drawn])
            points = np.stack([start + np.float32(at) * (image - start) for start, at in drawn])
            pictures = np.repeat(points, len(targets), axis=0)
            slopes = model.gradients(pictures, np.tile(targets, len(drawn)), self.score)
            shares = slopes.reshape(len(drawn), len(targets), *image.shape) * (image - starts)[:, None]
            mean.add(shares.sum(axis=-1), model.predict(starts, self.score)[:, targets])
            yield mean.estimate(mean.count / self.samples, whole)

    def _key(self, image: Floats, targets: Indices) -> str:
        digest = sha256(image.tobytes()).hexdigest()
        return f"{self.id} {self.baselines} {self.seed} {self.score} {targets.tolist()} {digest}"

    def _draw(self, image: Floats, random: np.random.Generator) -> tuple[Floats, float]:
        at = float(random.random(dtype=np.float32))
        if self.baselines == "colours":
            return np.broadcast_to(random.random(image.shape[-1], dtype=np.float32), image.shape), at
        if self.baselines == "noise":
            return random.random(image.shape, dtype=np.float32), at
        return blurred(image, min(image.shape[:2]) * float(random.uniform(1 / 32, 1 / 4))), at


class _Mean:
    """Mean of maps (T, H, W), their squares for the error, and the mean score of the baselines.

    It continues from what an earlier run kept under `key`, with the random draws where they were.
    """

    def __init__(self, model: Model, key: str, shape: tuple[int, ...], seed: int, stopping: Stopping) -> None:
        self._model, self._key, self._percent = model, key, stopping.percent
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.count, self._sums, self._squares = 0, np.zeros(shape), np.zeros(shape)
        self._starts = np.zeros(shape[0])
        known = model.recall(key)
        if known and stopping.continues(known["percent"], known["count"]):
            self.count, self._starts = known["count"], known["starts"].copy()
            self._sums, self._squares = known["sums"].copy(), known["squares"].copy()
            self.random.bit_generator.state = deepcopy(known["random"])

    def add(self, shares: Floats, starts: Floats) -> None:
        """Take maps (n, T, H, W) and the scores (n, T) of their baselines.

        Memory is allocated before the first sum changes, so that what is kept never contains half a batch.
        """
        doubles = shares.astype(np.float64)
        for share, square, start in zip(doubles, doubles**2, starts, strict=True):
            self._sums += share
            self._squares += square
            self._starts += start
            self.count += 1
        sums: dict[str, Any] = {"sums": self._sums, "squares": self._squares, "starts": self._starts}
        state: Any = self.random.bit_generator.state
        self._model.keep(self._key, count=self.count, percent=self._percent, random=state, **sums)

    def estimate(self, fraction: float, whole: Floats) -> Estimate:
        means = self._sums / self.count
        variances = np.maximum(self._squares / self.count - means**2, 0)
        errors = np.sqrt(variances / (self.count - 1)).astype(np.float32) if self.count > 1 else None
        figures = completeness_errors(means.sum(axis=(1, 2)), whole, self._starts / self.count)
        return Estimate(fraction, means.astype(np.float32), {"completeness_error": figures}, errors)
