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
    cost="one pass, backwards only to the layer, a target and layer",
    guide=Guide(
        answers="Which regions did the class score come from?",
        choose="When the map must not point beside what was used: with one linear layer at the end it is exact.",
        limits="Coarse, and choppier than Grad-CAM. Exact only from the last convolution of such a network.",
    ),
)
class HiResCam(CamMethod):
    """Multiply a layer's output by its gradient, place by place, and add up the channels."""

    positive_only: PositiveOnly = False

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        return np.asarray((gradients * values).sum(axis=-1), np.float32)
