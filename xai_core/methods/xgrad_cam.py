"""XGrad-CAM: channels weighted by their gradient where they are active."""

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
    cost="one forward pass per target and layer, and a backward pass down to the layer",
    guide=Guide(
        answers="Which regions hold the features that raise the class score, with weights derived from axioms?",
        choose="Instead of Grad-CAM, when you want weights that follow from two axioms (sensitivity and conservation).",
        limits="Coarse. The weight of a barely active channel is uncertain.",
    ),
)
class XGradCam(CamMethod):
    """Weight each channel by its gradient, averaged where the channel is active."""

    def combined(self, values: Floats, gradients: Floats) -> Floats:
        totals = values.sum(axis=(0, 1))
        shares = (gradients * values).sum(axis=(1, 2)) / np.where(np.abs(totals) > TINY, totals, np.inf)
        return weighted(values, shares)
