"""Guided backprop: the gradient with a modified rule at each ReLU."""

from __future__ import annotations

from collections.abc import Iterator

from xai_core.families.channels import Reduction, one_image_a_target, reduced
from xai_core.method import ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "guided_backprop",
    title="Guided backprop",
    group="Gradient",
    needs=Capability.GRADIENT | Capability.BACKWARD_RULES,
    source="Springenberg, Dosovitskiy, Brox, Riedmiller, Striving for Simplicity, 2015, arXiv 1412.6806",
    cost="one backward pass per target",
    guide=Guide(
        answers="Which fine patterns in the picture activate the features that lead to the class?",
        choose="For sharp, readable outlines, ideally beside a CAM that shows where.",
        limits="It stays nearly the same when the weights are randomised (Adebayo 2018), so it does not show what the "
        "model learned.",
    ),
    class_sensitivity="low",
)
class GuidedBackprop(Method):
    """Pass the score back and keep, at each ReLU, only what is positive in both directions."""

    reduction: Reduction = "max_abs"
    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        images = one_image_a_target(image, len(targets))
        gradients = model.gradients(images, targets, self.score, rule="guided")
        yield Estimate(1.0, reduced(gradients, self.reduction))
