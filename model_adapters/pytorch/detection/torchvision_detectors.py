"""Identify the torchvision detector of a state dict from its names and shapes, and build it.

Sizes are read from the file: classes, anchors per place, channels of the pyramid, sizes of the heads. Masks and
keypoints are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_adapters.pytorch.architectures import filled
from model_adapters.pytorch.detection import known_detectors
from model_adapters.pytorch.detection.known_detectors import (
    DenseSettings,
    DetectorSettings,
    KnownDetector,
    RegionSettings,
    SSDSettings,
)
from model_adapters.pytorch.detection.torchvision_parts import dense, region, ssd, without_values
from model_adapters.pytorch.files import Tensors
from xai_core.errors import UnsupportedModel

Shapes = Mapping[str, tuple[int, ...]]
REGION_MARK = "roi_heads.box_predictor.cls_score.weight"
DENSE_MARK = "head.classification_head.cls_logits.weight"
SSD_MARK = "head.classification_head.module_list.0."
MARKS = (REGION_MARK, DENSE_MARK, f"{SSD_MARK}weight", f"{SSD_MARK}1.weight")
CENTRED_MARK = "head.regression_head.bbox_ctrness.weight"
SECOND_MARKS = ("rpn.head.conv.1.0.weight", "head.classification_head.conv.0.1.weight")
BODY_MARKS = {
    "resnet50": ("backbone.body.layer1.0.conv1.weight",),
    "mobilenet_v3_large": ("backbone.body.1.block.0.0.weight", "backbone.features.0.0.0.weight"),
    "mobilenet_v2": ("backbone.body.1.conv.0.0.weight",),
    "vgg16": ("backbone.scale_weight",),
}
ASIDE = ("roi_heads.mask_", "roi_heads.keypoint_")
OLD_NAMES = (  # as torchvision's first versions wrote them
    (r"(rpn\.head\.conv)\.(weight|bias)", r"\1.0.0.\2"),
    (r"(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)", r"\1.0.\2"),
)
OLD_HEAD = r"(head\.(?:classification|regression)_head\.conv)\.(\d+)\.(weight|bias)"
SHOWN = 3  # differences named in a message


@dataclass(frozen=True)
class Recognised:
    """A state dict with current names and the detector it fits; `others` fit exactly the same tensors."""

    tensors: Tensors
    known: KnownDetector
    others: tuple[str, ...]

    @property
    def shapes(self) -> Shapes:
        return shapes_of(self.tensors)


def recognised(tensors: Tensors, digest: str = "") -> Recognised | None:
    """Return the detector whose parts a state dict has, None if it has those of none.

    digest: of the file; it distinguishes torchvision's own weights from others with the same tensors.
    """
    named = with_new_names(tensors)
    fitting = [
        known for name in known_detectors.names() if (known := known_detectors.named(name)) and _has_parts(named, known)
    ]
    fitting.sort(key=lambda known: not known.is_coco(digest))
    return Recognised(named, fitting[0], tuple(known.name for known in fitting[1:])) if fitting else None


def columns_in(tensors: Mapping[str, Any]) -> int | None:
    """Return the number of classes, with the background, in a torchvision detector's tensors; None for others."""
    shapes = shapes_of(tensors)
    if REGION_MARK in shapes:
        return shapes[REGION_MARK][0]
    for mark in MARKS[1:]:
        boxes = mark.replace("classification_head", "regression_head").replace("cls_logits", "bbox_reg")
        if mark in shapes and boxes in shapes:
            return shapes[mark][0] * 4 // shapes[boxes][0]
    return None


def built(tensors: Tensors, known: KnownDetector, settings: DetectorSettings) -> Any:
    """Return the module of a detector with its weights, in eval mode; UnsupportedModel if they do not fit it."""
    named = with_new_names(tensors)
    shapes = shapes_of(named)
    if not _has_parts(named, known):
        match = recognised(tensors)
        way_out = f"They look like {match.known.name}" if match else "Choose the detector they belong to"
        raise UnsupportedModel(f"The weights do not fit {known.name}. {way_out}.")
    with without_values():
        module = _module(shapes, known, settings)
    wanted = shapes_of(module.state_dict())
    if parts := _differences(shapes, wanted):
        more = f"; and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
        raise UnsupportedModel(
            f"The weights are nearly those of {known.name}, but {'; '.join(parts[:SHOWN])}{more}. "
            "Export the whole model as TorchScript or ONNX instead."
        )
    return filled(module, {name: named[name] for name in wanted}).eval()


def shapes_of(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all floating-point tensors."""
    return {name: tuple(t.shape) for name, t in tensors.items() if t.is_floating_point()}


def with_new_names(tensors: Tensors) -> Tensors:
    """Return the tensors under torchvision's current names."""
    old_head = CENTRED_MARK not in tensors

    def renamed(name: str) -> str:
        for old, new in OLD_NAMES:
            name = re.sub(f"^{old}$", new, name)
        match = re.fullmatch(OLD_HEAD, name) if old_head else None
        return f"{match[1]}.{int(match[2]) // 2}.0.{match[3]}" if match else name

    return {renamed(name): tensor for name, tensor in tensors.items()}


def _has_parts(tensors: Mapping[str, Any], known: KnownDetector) -> bool:
    return (
        _kind(tensors) is type(known.settings)
        and any(mark in tensors for mark in BODY_MARKS[known.body])
        and any(mark in tensors for mark in SECOND_MARKS) == known.second
        and any(name.startswith(ASIDE[0]) for name in tensors) == known.masks
        and (CENTRED_MARK in tensors) == known.centred
    )


def _kind(tensors: Mapping[str, Any]) -> type[DetectorSettings] | None:
    if REGION_MARK in tensors:
        return RegionSettings
    if DENSE_MARK in tensors:
        return DenseSettings
    return SSDSettings if any(name.startswith(SSD_MARK) for name in tensors) else None


def _module(shapes: Shapes, known: KnownDetector, settings: DetectorSettings) -> Any:
    try:
        if isinstance(settings, RegionSettings):
            return region(shapes, known, settings)
        if isinstance(settings, DenseSettings):
            return dense(shapes, known, settings)
        assert isinstance(settings, SSDSettings)
        return ssd(shapes, known, settings)
    except (LookupError, ArithmeticError, ValueError, StopIteration, RuntimeError):
        raise UnsupportedModel(
            f"The weights are nearly those of {known.name}, but parts are missing or have other shapes. "
            "Export the whole model as TorchScript or ONNX instead."
        ) from None


def _differences(shapes: Shapes, wanted: Shapes) -> list[str]:
    """Return the differences between the shapes of a file and those of a module, in words."""
    parts = [f"{name[:80]} is missing" for name in wanted if name not in shapes]
    parts += [
        f"{name[:80]} has the shape {shapes[name]} instead of {shape}"
        for name, shape in wanted.items()
        if shapes.get(name, shape) != shape
    ]
    return parts + [f"{n[:80]} is not part of it" for n in shapes if n not in wanted and not n.startswith(ASIDE)]
