"""The bytes from which the picture with boxes is drawn: header length (uint32), JSON header, JPEG photo."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.ui.drawing.encoded import jpeg
from xai_core.detector import Corners


@dataclass(frozen=True)
class Box:
    """A box to draw: its number from 1, its class, its score in words, its corners in pixels of the photo.

    faint: drawn dashed, because its score is below the threshold.
    """

    number: int
    name: str
    label: int
    score: str
    corners: Corners
    faint: bool = False


def pack(photo: NDArray[np.uint8], boxes: Sequence[Box], chosen: Sequence[int], turn: int, most: int) -> bytes:
    """Return everything that the browser needs. photo: (h, w, 3) uint8.

    chosen: numbers of boxes, in the order in which they were chosen. turn: of the last choice by the browser that
    Python received; a later choice in the browser overrides `chosen`. most: how many may be chosen.
    """
    height, width = photo.shape[:2]
    encoded = jpeg(photo)
    drawn = {box.number for box in boxes}
    header = {
        "photo": {"digest": zlib.crc32(encoded), "height": height, "width": width},
        "boxes": [_box(box, height, width) for box in boxes],
        "chosen": [number for number in chosen if number in drawn],
        "turn": turn,
        "most": most,
    }
    text = json.dumps(header, allow_nan=False).encode()
    return struct.pack("<I", len(text)) + text + encoded


def _box(box: Box, height: int, width: int) -> dict[str, Any]:
    left, top, right, bottom = box.corners
    return {
        "number": box.number,
        "name": box.name,
        "label": box.label,
        "score": box.score,
        "faint": box.faint,
        "left": _share(left, width),
        "top": _share(top, height),
        "right": _share(right, width),
        "bottom": _share(bottom, height),
    }


def _share(place: float, side: int) -> float:
    """Return a position as a share of a side; anything outside the photo is drawn on its edge."""
    return round(min(max(place / side, 0.0), 1.0), 5)
