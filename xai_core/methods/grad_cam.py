"""Grad-CAM: channels weighted by their mean gradient."""

from __future__ import annotations

from xai_core.families.cam import CamMethod, weighted
from xai_core.method import Guide, method
from xai_core.types import Capability, Floats


@method(
    "grad_cam",
    title="Grad-CAM",
    group="CAM",
    needs=Capability.GRADIENT | Capability.ACTIVATIONS,
    source="Selvaraju and others, Grad-CAM, 2017, arXiv 1610.02391",
    cost="one forward pass per target and layer, and a backward pass down to the layer",
    guide=Guide(
        answers="Which regions hold the features that raise the class score?",
        choose="As the first map for a convolutional network: it is fast, stable and class-specific.",
        limits="Coarse: no finer than the layer's grid. Averaging the gradient can highlight regions that were not "
        "used; HiResCAM avoids that.",
    ),
)
class GradCam(CamMethod):
    """Weight each channel of a layer by its mean gradient and add the channels up."""

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        return weighted(values, gradients.mean(axis=(1, 2)))
