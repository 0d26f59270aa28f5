"""The connected regions of a segmentation, which can be chosen one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xai_core.detector import Corners
from xai_core.segmentation.segments import BESIDE, Segmentation
from xai_core.types import Flags

LEAST_SHARE = 0.001  # of the picture; smaller regions are specks


@dataclass(frozen=True, eq=False)
class Part:
    """A connected region of one class. mask: (H, W). corners: of the box around it. share: of the picture's pixels."""

    index: int
    mask: Flags
    corners: Corners
    share: float


def parts_of(found: Segmentation) -> list[Part]:
    """Return the connected regions of all classes that are no mere specks, the largest first."""
    from scipy import ndimage  # slow to import, and rarely needed

    parts: list[Part] = []
    for segment in found.segments:
        numbered, count = ndimage.label(found.region_of(segment.index), BESIDE)
        sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:] / found.classes.size
        boxes = ndimage.find_objects(numbered)
        parts += [
            Part(segment.index, numbered == number, _corners(box), float(size))
            for number, (box, size) in enumerate(zip(boxes, sizes, strict=True), start=1)
            if size >= LEAST_SHARE
        ]
    return sorted(parts, key=lambda part: -part.share)


def _corners(box: tuple[slice, slice]) -> Corners:
    rows, columns = box
    return float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)
