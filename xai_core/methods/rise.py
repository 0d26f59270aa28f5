"""RISE: which parts of the picture, when kept at random, keep the score up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

from xai_core.families.mask_average import Averaging, MaskAverage
from xai_core.families.masks import Masks, masked
from xai_core.families.noise import STOP_AT, StopAtNoise, Stopping
from xai_core.families.perturbed import PerturbedOutputs
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, Seed, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "rise",
    title="RISE",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="Petsiuk, Das, Saenko, RISE: Randomized Input Sampling for Explanation, 2018, arXiv 1806.07421; "
    "surrogate as control variate: Owen, Monte Carlo theory, methods and examples, 2013, section 8.9",
    cost="at most `samples` forward passes, for any number of targets",
    guide=Guide(
        answers="Which parts of the picture make the class more probable when they are visible?",
        choose="For any model, as it needs predictions only; when an object may appear in several places.",
        limits="Never negative, and no finer than about one cell. Small effects need many masks.",
    ),
)
class Rise(Method):
    """Keep random parts of the picture and average the masks, each weighted by the score it leaves."""

    samples: Annotated[
        int,
        Range(100, 20000, 100, steadier=True),
        "Maximum number of random masks to draw; a higher limit allows less noise, and continues an earlier run.",
    ] = 1000
    stop_at_noise: StopAtNoise = STOP_AT
    grid: Annotated[int, Range(2, 32, unit="cells"), "Cells along a side of a mask: more show finer parts."] = 7
    preservation: Annotated[float, Range(0.05, 0.95, 0.05), "Probability that a cell of a mask is kept."] = 0.5
    averaging: Averaging = "steady"
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        stopping = Stopping.of_masks(self.stop_at_noise, self.samples)
        return stopping.until_steady(self._averages(model, image, targets, stopping), self)

    def _averages(self, model: Model, image: Floats, targets: Indices, stopping: Stopping) -> Iterator[Estimate]:
        masks = Masks(image.shape[:2], self.grid, self.preservation, self.seed)
        bounded = self.score == "probability"
        average = MaskAverage(masks, len(targets), surrogate=self.averaging == "steady", bounded=bounded)
        outputs = PerturbedOutputs(
            model, image, method=self.id, grid=self.grid, preservation=self.preservation, seed=self.seed
        )
        for start, stop, worth_a_preview in outputs.batches(0, self.samples, self.batch_size, stopping):
            cells = masks.cells(stop - start)
            raw = outputs.rows(start, stop, partial(masked, image, masks, cells))
            average.add(model.as_score(raw, self.score)[:, targets], cells)
            if worth_a_preview:
                yield average.estimate(stop / self.samples, now=stopping.is_check(stop))
