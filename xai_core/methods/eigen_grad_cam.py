"""Eigen-Grad-CAM: the first principal component of a layer's output times its gradient."""

from __future__ import annotations

import numpy as np

from xai_core.families.cam import CamMethod, first_component
from xai_core.method import Guide, method
from xai_core.types import Capability, Floats


@method(
    "eigen_grad_cam",
    title="Eigen-Grad-CAM",
    group="CAM",
    needs=Capability.GRADIENT | Capability.ACTIVATIONS,
    source="Muhammad, Yeasin, Eigen-CAM, 2020, arXiv 2008.00299, on gradient times output as pytorch-grad-cam has it",
    cost="one forward pass per target and layer, and a backward pass down to the layer",
    guide=Guide(
        answers="Which regions stand out among the features that make up the class score?",
        choose="For a cleaner Grad-CAM with less clutter.",
        limits="Coarse. It shows only the strongest pattern, so a second object may be missing.",
    ),
    class_sensitivity="low",
)
class EigenGradCam(CamMethod):
    """Multiply a layer's output by its gradient and project the result onto its first principal component."""

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        return np.stack([first_component(product, towards=product.sum(axis=-1)) for product in values * gradients])
