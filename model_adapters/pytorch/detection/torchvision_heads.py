"""Choose the heads for a torchvision module."""

from __future__ import annotations

from typing import Any

from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.detection.anchor_heads import CentredHeads, DenseHeads, SSDHeads
from model_adapters.pytorch.detection.heads import Heads
from model_adapters.pytorch.detection.region_heads import RegionHeads
from xai_core.errors import UnsupportedModel


def torchvision_heads(module: Any, background: bool = True) -> Heads:
    """Return the heads of a detector; UnsupportedModel if it is not one of torchvision's.

    background: whether the first class of a RetinaNet or FCOS is the background, as it always is in the others.
    """
    parts = import_torchvision_models().detection
    if isinstance(module, parts.generalized_rcnn.GeneralizedRCNN):
        return RegionHeads(module)
    if isinstance(module, parts.FCOS):
        return CentredHeads(module, background)
    if isinstance(module, parts.RetinaNet):
        return DenseHeads(module, background)
    if isinstance(module, parts.ssd.SSD):
        return SSDHeads(module)
    raise UnsupportedModel(f"This is not a torchvision detector but a {type(module).__name__[:40]}.")
