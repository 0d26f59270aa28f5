"""DeepLIFT: differences from a baseline, propagated back through the network by the rescale rule."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xai_core.families.baselines import RANDOM, ComparedWith, baseline_picture
from xai_core.families.channels import one_image_a_target
from xai_core.families.completeness import completeness_errors
from xai_core.families.random_baseline import SeedOfBaseline
from xai_core.method import ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "deeplift",
    title="DeepLIFT",
    group="Gradient",
    needs=Capability.GRADIENT | Capability.RESCALE,
    source="Shrikumar, Greenside, Kundaje, Learning Important Features Through Propagating Activation Differences, "
    "2017, arXiv 1704.02685",
    cost="one backward pass per target, over the picture and its baseline together",
    guide=Guide(
        answers="How much does each pixel contribute to the difference in score from a baseline?",
        choose="As a fast stand-in for Integrated Gradients: it takes a single pass and copes with saturated units.",
        limits="The map depends on the baseline. It does not add up exactly if the network multiplies activations, as "
        "attention does; the error is shown.",
    ),
)
class DeepLift(Method):
    """Propagate the difference in score from a baseline back through the network, in one pass."""

    baseline: ComparedWith = "black"
    score: ExplainedScore = "logit"
    seed: SeedOfBaseline = 0

    @property
    def draws_at_random(self) -> bool:
        """Whether the baseline is noise; nothing else here is drawn."""
        return self.baseline == RANDOM

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        start = baseline_picture(self.baseline, image, self.seed)
        images, references = (one_image_a_target(picture, len(targets)) for picture in (image, start))
        slopes = model.gradients(images, targets, self.score, "rescale", references)
        maps = np.asarray((slopes * (image - start)).sum(axis=-1), np.float32)
        whole, none = model.predict(np.stack([image, start]), self.score)[:, targets]
        errors = completeness_errors(maps.sum(axis=(1, 2)), whole, none)
        yield Estimate(1.0, maps, {"completeness_error": errors})
