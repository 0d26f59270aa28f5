"""HiResCAM: a layer's output times its gradient."""

from __future__ import annotations

import numpy as np

from xai_core.families.cam import CamMethod, PositiveOnly
from xai_core.method import Guide, method
from xai_core.types import Capability, Floats


@method(
    "hirescam",
    title="HiResCAM",
    group="CAM",
    needs=Capability.GRADIENT | Capability.ACTIVATIONS,
    source="Draelos, Carin, Use HiResCAM instead of Grad-CAM, 2020, arXiv 2011.08891",
    cost="one forward pass per target and layer, and a backward pass down to the layer",
    guide=Guide(
        answers="Which regions does the class score come from?",
        choose="When the map must only show regions the model used. It is exact for networks that end in one linear "
        "layer.",
        limits="Coarse, and patchier than Grad-CAM. It is exact only at the last convolution of such networks.",
    ),
)
class HiResCam(CamMethod):
    """Multiply a layer's output by its gradient, position by position, and add up the channels."""

    positive_only: PositiveOnly = False

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        return np.asarray((gradients * values).sum(axis=-1), np.float32)
