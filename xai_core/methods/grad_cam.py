"""Grad-CAM: channels weighed by their mean gradient."""

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
    cost="one pass, backwards only to the layer, a target and layer",
    guide=Guide(
        answers="Which regions hold the features that raise the class?",
        choose="As the usual first map for a convolutional network: fast, stable, specific to the class.",
        limits="Coarse, as fine as the layer. The averaged gradient can point beside what was used; HiResCAM does not.",
    ),
)
class GradCam(CamMethod):
    """Weigh a layer's channels by their mean gradient and add them up."""

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        return weighted(values, gradients.mean(axis=(1, 2)))
