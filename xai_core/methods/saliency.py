"""Saliency: the gradient of the class score with respect to the picture."""

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
    cost="one backward pass per target",
    guide=Guide(
        answers="Which pixels would change the score most if they changed slightly?",
        choose="For a first look: it takes a single pass.",
        limits="It shows how sensitive the score is to a pixel, not how much the pixel contributes. Maps are noisy and "
        "miss saturated features.",
    ),
)
class Saliency(Method):
    """Show how strongly the score reacts to a small change of each pixel."""

    reduction: Reduction = "max_abs"
    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        gradients = model.gradients(one_image_a_target(image, len(targets)), targets, self.score)
        yield Estimate(1.0, reduced(gradients, self.reduction))
