"""Grad-CAM++: channels weighed by their positive gradients, place by place."""

from __future__ import annotations

import numpy as np

from xai_core.families.cam import CamMethod, weighted
from xai_core.method import Guide, method
from xai_core.types import Capability, Floats


@method(
    "grad_cam_plus_plus",
    title="Grad-CAM++",
    group="CAM",
    needs=Capability.GRADIENT | Capability.ACTIVATIONS,
    source="Chattopadhay, Sarkar, Howlader, Balasubramanian, Grad-CAM++, 2018, arXiv 1710.11063",
    cost="one pass, backwards only to the layer, a target and layer",
    guide=Guide(
        answers="Which regions hold the features that raise the class, where there are several of its kind?",
        choose="When Grad-CAM marks only one of several objects of the class.",
        limits="Coarse. Its weights come from a formula for exponential scores and only positive gradients count.",
    ),
    class_sensitivity="low",
)
class GradCamPlusPlus(CamMethod):
    """Weigh each channel by its positive gradients, places that matter less counting more."""

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        squares, cubes = gradients**2, gradients**3
        spread = 2 * squares + values.sum(axis=(0, 1)) * cubes
        shares = np.where(gradients != 0, squares / np.where(spread == 0, 1, spread), 0)
        return weighted(values, (np.maximum(gradients, 0) * shares).sum(axis=(1, 2)))
