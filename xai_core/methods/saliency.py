"""Saliency: the gradient of a class's score with respect to the picture."""

from __future__ import annotations

from collections.abc import Iterator

from xai_core.families.channels import Reduction, one_image_a_target, reduced
from xai_core.method import ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "saliency",
    title="Saliency",
    group="Gradient",
    needs=Capability.GRADIENT,
    source="Simonyan, Vedaldi, Zisserman, Deep Inside Convolutional Networks, 2014, arXiv 1312.6034",
    cost="one backward pass a target",
    guide=Guide(
        answers="Which pixels would change the score most if they changed a little?",
        choose="For a first look, as it takes a single pass.",
        limits="It tells how sensitive the score is, not how much of it a pixel makes up; maps are noisy and pass by "
        "parts that saturate.",
    ),
)
class Saliency(Method):
    """Show how much the score changes when a pixel changes a little."""

    reduction: Reduction = "max_abs"
    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        gradients = model.gradients(one_image_a_target(image, len(targets)), targets, self.score)
        yield Estimate(1.0, reduced(gradients, self.reduction))
