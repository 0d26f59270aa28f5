"""Guided Grad-CAM: the outlines of guided backprop in the regions of Grad-CAM."""

from __future__ import annotations

from collections.abc import Iterator

from xai_core.families.channels import Reduction, one_image_a_target, reduced
from xai_core.method import ExplainedScore, Guide, Layers, Method, method
from xai_core.methods.grad_cam import GradCam
from xai_core.model import Model
from xai_core.types import Capability, Estimate, Floats, Indices


@method(
    "guided_grad_cam",
    title="Guided Grad-CAM",
    group="Gradient",
    needs=Capability.GRADIENT | Capability.BACKWARD_RULES | Capability.ACTIVATIONS,
    source="Selvaraju and others, Grad-CAM, 2017, arXiv 1610.02391",
    cost="two backward passes per target",
    guide=Guide(
        answers="Which fine patterns lie in the regions that raise the class score?",
        choose="When Grad-CAM is too coarse: Grad-CAM shows where, guided backprop shows what.",
        limits="The outlines come from guided backprop and barely depend on what the model learned; only their "
        "location does.",
    ),
    class_sensitivity="low",
)
class GuidedGradCam(Method):
    """Multiply guided backprop by the Grad-CAM map of a layer."""

    layers: Layers = ()
    reduction: Reduction = "max_abs"
    score: ExplainedScore = "logit"

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        images = one_image_a_target(image, len(targets))
        fine = reduced(model.gradients(images, targets, self.score, rule="guided"), self.reduction)
        *_, coarse = GradCam(layers=self.layers, score=self.score).explain(model, image, targets)
        yield Estimate(1.0, fine * coarse.maps)
