"""LayerCAM: each position of a layer weighted by its own positive gradient."""

from __future__ import annotations

import numpy as np

from xai_core.families.cam import CamMethod
from xai_core.method import Guide, method
from xai_core.types import Capability, Floats


@method(
    "layercam",
    title="LayerCAM",
    group="CAM",
    needs=Capability.GRADIENT | Capability.ACTIVATIONS,
    source="Jiang, Zhang, Hou, Cheng, Wei, LayerCAM, 2021, IEEE TIP 30",
    cost="one forward pass per target and layer, and a backward pass down to the layer",
    guide=Guide(
        answers="Which positions in a layer, even an early one, raise the class score?",
        choose="For finer maps, from an earlier layer or averaged over several.",
        limits="Positions that speak against the class are left out by design. Early layers also show edges.",
    ),
    class_sensitivity="low",
)
class LayerCam(CamMethod):
    """Weight each position of a layer by its own positive gradient."""

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        return np.asarray((np.maximum(gradients, 0) * values).sum(axis=-1), np.float32)
