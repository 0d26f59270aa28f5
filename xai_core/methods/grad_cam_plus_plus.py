"""Grad-CAM++: channels weighted by their positive gradients, position by position."""

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
    cost="one forward pass per target and layer, and a backward pass down to the layer",
    guide=Guide(
        answers="Which regions hold the features that raise the class score, if it appears several times?",
        choose="When Grad-CAM highlights only one of several objects of the class.",
        limits="Coarse. Its weights assume an exponential score, and only positive gradients count.",
    ),
    class_sensitivity="low",
)
class GradCamPlusPlus(CamMethod):
    """Weight each channel by a weighted sum of its positive gradients."""

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        squares, cubes = gradients**2, gradients**3
        spread = 2 * squares + values.sum(axis=(0, 1)) * cubes
        shares = np.where(gradients != 0, squares / np.where(spread == 0, 1, spread), 0)
        return weighted(values, (np.maximum(gradients, 0) * shares).sum(axis=(1, 2)))
