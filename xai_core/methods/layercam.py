"""LayerCAM: each place of a layer weighed by its own positive gradient."""

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
    cost="one pass, backwards only to the layer, a target and layer",
    guide=Guide(
        answers="Which places in a layer, early ones too, raise the class?",
        choose="For finer maps from earlier layers, or several layers averaged.",
        limits="Places that speak against the class are left out by design; early layers show edges as well.",
    ),
    class_sensitivity="low",
)
class LayerCam(CamMethod):
    """Weigh each place of a layer by its own positive gradient."""

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        return np.asarray((np.maximum(gradients, 0) * values).sum(axis=-1), np.float32)
