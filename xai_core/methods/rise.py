"""RISE: which parts of the picture, when kept at random, keep the score up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

from xai_core.families.masks import MaskAverage, Masks, masked
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
    source="Petsiuk, Das, Saenko, RISE: Randomized Input Sampling for Explanation, 2018, arXiv 1806.07421",
    cost="`samples` forward passes, whatever the number of targets",
    guide=Guide(
        answers="Which parts of the picture, when they are visible, make the class more probable?",
        choose="For any model, as it needs predictions only; when an object may lie in several places.",
        limits="The map is noisy until many masks are drawn, never negative, and no finer than about a cell.",
    ),
)
class Rise(Method):
    """Keep random parts of the picture and average the masks by the score that each leaves."""

    samples: Annotated[
        int,
        Range(100, 20000, 100, steadier=True),
        "Random masks; more is slower and less noisy, and continues an earlier run.",
    ] = 1000
    grid: Annotated[int, Range(2, 32, unit="cells"), "Cells along a side of a mask: more shows finer parts."] = 7
    preservation: Annotated[float, Range(0.05, 0.95, 0.05), "Probability that a cell of a mask is kept."] = 0.5
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        masks = Masks(image.shape[:2], self.grid, self.preservation, self.seed)
        average = MaskAverage(len(targets), image.shape[:2], self.preservation)
        outputs = PerturbedOutputs(
            model, image, method=self.id, grid=self.grid, preservation=self.preservation, seed=self.seed
        )
        for start, stop, worth_a_preview in outputs.batches(0, self.samples, self.batch_size):
            drawn = masks.draw(stop - start)
            raw = outputs.rows(start, stop, partial(masked, image, drawn))
            average.add(model.as_score(raw, self.score)[:, targets], drawn)
            if worth_a_preview:
                yield average.estimate(stop / self.samples)
