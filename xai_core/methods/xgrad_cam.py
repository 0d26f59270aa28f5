"""XGrad-CAM: channels weighed by their gradient where they are active."""

from __future__ import annotations

import numpy as np

from xai_core.families.cam import CamMethod, weighted
from xai_core.method import Guide, method
from xai_core.types import Capability, Floats

TINY = 1e-7


@method(
    "xgrad_cam",
    title="XGrad-CAM",
    group="CAM",
    needs=Capability.GRADIENT | Capability.ACTIVATIONS,
    source="Fu, Hu, Dong, Guo, Gao, Li, Axiom-based Grad-CAM, 2020, arXiv 2008.02312",
    cost="one pass, backwards only to the layer, a target and layer",
    guide=Guide(
        answers="Which regions hold the features that raise the class, with weights that add up to the score?",
        choose="As Grad-CAM, with weights that follow from two axioms.",
        limits="Coarse. Where a channel is hardly active its weight is uncertain.",
    ),
)
class XGradCam(CamMethod):
    """Weigh channels by their gradient, averaged where they are active."""

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        totals = values.sum(axis=(0, 1))
        shares = (gradients * values).sum(axis=(1, 2)) / np.where(np.abs(totals) > TINY, totals, np.inf)
        return weighted(values, shares)
