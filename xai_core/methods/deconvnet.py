"""Deconvnet: the gradient with a modified rule at each ReLU."""

from __future__ import annotations

from collections.abc import Iterator

from xai_core.families.channels import Reduction, one_image_a_target, reduced
from xai_core.method import ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "deconvnet",
    title="Deconvnet",
    group="Gradient",
    needs=Capability.GRADIENT | Capability.BACKWARD_RULES,
    source="Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, 2014, arXiv 1311.2901",
    cost="one backward pass per target",
    guide=Guide(
        answers="Which patterns in the picture drive the network's features, traced backwards?",
        choose="To compare with older work. Guided backprop is its sharper successor.",
        limits="It shows edges that any class could use and barely depends on the class.",
    ),
    class_sensitivity="low",
)
class Deconvnet(Method):
    """Pass the score back through the network and keep only positive values at each ReLU."""

    reduction: Reduction = "max_abs"
    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        images = one_image_a_target(image, len(targets))
        gradients = model.gradients(images, targets, self.score, rule="deconvnet")
        yield Estimate(1.0, reduced(gradients, self.reduction))
