"""Find the box of a target among boxes that carry gradients, and measure an aspect of its place."""

from __future__ import annotations

from typing import Any

import torch

from xai_core.detector import Aspect, BoxTarget
from xai_core.errors import ModelError

SAME_PLACE = 1e-3  # of overlap; among boxes at the same place, the surest one counts


def nearest_row(corners: Any, chances: Any, target: BoxTarget, lost: str) -> int:
    """Return the row that overlaps the target most and may be of its class; of equal ones, the surest.

    corners: (n, 4). chances: (n,) of the target's class. Raises ModelError, which says `lost`, if there is none.
    """
    overlap = torch.where(chances >= target.score / 2, overlaps(corners, wanted(corners, target)), -1.0)
    if not len(overlap) or float(overlap.max()) <= 0:
        raise ModelError(lost)
    equal = overlap >= overlap.max() - SAME_PLACE
    return int(torch.where(equal, chances, -1.0).argmax())


def place(corners: Any, target: BoxTarget, aspect: Aspect) -> Any:
    """Return the overlap of a box (4,) with the target, or one of its edges, its width or its height."""
    if aspect == "IoU":
        return overlaps(corners[None], wanted(corners, target))[0]
    left, top, right, bottom = corners
    edges = {"left": left, "top": top, "right": right, "bottom": bottom}
    return (edges | {"width": right - left, "height": bottom - top})[aspect]


def wanted(corners: Any, target: BoxTarget) -> Any:
    """Return the target's corners (1, 4) on the device of others."""
    return torch.from_numpy(target.array).to(corners)


def overlaps(corners: Any, others: Any) -> Any:
    """Return the intersection over union (n,) of boxes (n, 4) with one box (1, 4)."""
    low, high = torch.maximum(corners[:, :2], others[:, :2]), torch.minimum(corners[:, 2:], others[:, 2:])
    common = (high - low).clamp(min=0).prod(1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1) for boxes in (corners, others)]
    return common / (areas[0] + areas[1] - common).clamp(min=1e-9)
