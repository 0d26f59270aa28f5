"""Trace a box back to the feature pyramid: the gradient of its score, its fit or one of its edges."""

from __future__ import annotations

from typing import Any

import torch

from model_adapters.pytorch.detection.heads import Heads, Outputs, box_ops
from model_adapters.pytorch.detection.image_pass import ImagePass, resized
from xai_core.detector import Aspect

LEAST = 0.005  # least score of a box that may match a target
TOUCHING = 0.05  # pixels; edges no farther apart count as coinciding


def nearest(heads: Heads, outputs: Outputs, size: tuple[int, int], wanted: Any, label: int, score: float) -> int:
    """Return the row of the box of class `label` that overlaps the corners `wanted` (1, 4) most.

    Suppressed boxes count only if no other box overlaps. size: of the image among the inputs; `wanted` is in its
    pixels. score: of the target, so that it is found even if low.
    """
    boxes = heads.candidates(outputs, size, min(LEAST, score / 2))
    stay = heads.suppressed(boxes.chosen(boxes.labels == label))
    shares = box_ops().box_iou(stay.corners, wanted)[:, 0]
    if len(shares) and shares.max() > 0:
        return int(stay.rows[shares.argmax()])
    rows = torch.arange(len(outputs.places), device=outputs.places.device)
    corners = heads.decoded(outputs, rows, torch.full_like(rows, label))
    return int(box_ops().box_iou(corners, wanted)[:, 0].argmax())


def gradients(
    heads: Heads, image_pass: ImagePass, row: int, label: int, aspect: Aspect, wanted: Any
) -> tuple[float, dict[str, Any]]:
    """Return an aspect of the box of a row and class, and its gradient (1, K, h, w) at each level of the pyramid.

    The proposal or anchor is held fixed. wanted: corners (1, 4) of the target in pixels of the image, as are edges,
    widths and heights. Edges are not clipped to the image.
    """
    assert image_pass.outputs is not None
    with torch.enable_grad():
        leaves = {name: feature_map.detach().requires_grad_() for name, feature_map in image_pass.features.items()}
        again = heads.again(leaves, image_pass.inputs, image_pass.outputs, row)
        if aspect in ("score", "class"):
            value = again.logits[0, label]
        else:
            value = _place(
                resized(_decoded(heads, again, label), image_pass.size, image_pass.image_size)[0], aspect, wanted[0]
            )
        slopes = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
    pairs = zip(leaves.items(), slopes, strict=True)
    return float(value.detach()), {name: torch.zeros_like(leaf) if g is None else g for (name, leaf), g in pairs}


def _decoded(heads: Heads, again: Outputs, label: int) -> Any:
    first = torch.zeros(1, dtype=torch.int64, device=again.places.device)
    return heads.decoded(again, first, first + label)


def _place(corners: Any, aspect: Aspect, wanted: Any) -> Any:
    left, top, right, bottom = corners
    sides = {"left": left, "top": top, "right": right, "bottom": bottom, "width": right - left, "height": bottom - top}
    return _share(corners, wanted) if aspect == "IoU" else sides[aspect]


def _share(corners: Any, wanted: Any) -> Any:
    """Return the intersection over union of two boxes (4,).

    It has a kink at its maximum: edges that coincide up to rounding are moved there, where the slope is 0.
    """
    off = (corners - wanted).detach()
    corners = corners - torch.where(off.abs() < TOUCHING, off, torch.zeros_like(off))
    low, high = torch.maximum(corners[:2], wanted[:2]), torch.minimum(corners[2:], wanted[2:])
    common = (high - low).clamp(min=0).prod()
    whole = (corners[2:] - corners[:2]).prod() + (wanted[2:] - wanted[:2]).prod() - common
    return common / whole
