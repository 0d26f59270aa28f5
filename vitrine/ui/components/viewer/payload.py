"""The bytes from which the viewer draws: header length (uint32), JSON header, JPEG photo, uint16 numbers."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.ui.drawing.encoded import jpeg
from xai_core.errors import DataError
from xai_core.filter import FILTERS
from xai_core.params import Param, Size
from xai_core.pictures.overlays import Look
from xai_core.types import Floats

LEVELS = 65535


@dataclass(frozen=True)
class Panel:
    """One map to show: its name (the target's), a caption and, if known, each pixel's standard error.

    map, standard_error: (H, W) float32; the map signed, over the photo's field of view, in its own resolution.
    frame: a rectangle to outline: left, top, right, bottom as shares of the map's width and height.
    """

    name: str
    map: Floats
    caption: str = ""
    standard_error: Floats | None = None
    frame: tuple[float, float, float, float] | None = None


def pack(
    photo: NDArray[np.uint8],
    panels: Sequence[Panel],
    start: Mapping[str, Any],
    picking: bool,
    columns: int = 1,
    inside: bool = False,
) -> bytes:
    """Return everything that the browser needs. photo: (h, w, 3) uint8. DataError if a map is not finite."""
    size = panels[0].map.shape
    encoded = jpeg(photo)
    blobs: list[bytes] = []
    header = {
        "photo": {"bytes": len(encoded), "digest": zlib.crc32(encoded)},
        "panels": [_panel(panel, blobs) for panel in panels],
        "look": [_declared(param, size) for param in Look.params],
        "filters": _filters(size),
        "start": start,
        "picking": picking,
        "columns": columns,
        "inside": inside,
    }
    text = json.dumps(header, allow_nan=False).encode()
    return struct.pack("<I", len(text)) + text + encoded + b"".join(blobs)


def _panel(panel: Panel, blobs: list[bytes]) -> dict[str, Any]:
    height, width = panel.map.shape
    error = panel.standard_error
    return {
        "name": panel.name,
        "caption": panel.caption,
        "height": height,
        "width": width,
        "frame": panel.frame,
        "map": _quantised(panel.map, blobs),
        "error": None if error is None else _quantised(error, blobs),
    }


def _quantised(heatmap: Floats, blobs: list[bytes]) -> dict[str, float]:
    if not heatmap.size or not np.isfinite(heatmap).all():
        raise DataError("A map needs finite numbers to be drawn, and this one has others. Run the method again.")
    low, high = float(heatmap.min()), float(heatmap.max())
    span = (high - low) or 1.0
    blobs.append(np.rint((heatmap.astype(np.float64) - low) / span * LEVELS).astype("<u2").tobytes())
    return {"low": low, "high": high}


def _filters(size: Size) -> list[dict[str, Any]]:
    return [
        {
            "id": filter_id,
            "title": made.title,
            "help": (made.__doc__ or "").partition("\n")[0],
            "params": [_declared(param, size) for param in made.params],
        }
        for filter_id, made in FILTERS.items()
    ]


def _declared(param: Param, size: Size) -> dict[str, Any]:
    range_ = param.range
    return {
        "name": param.name,
        "label": param.label,
        "help": param.help,
        "kind": param.kind.__name__,
        "choices": param.choices,
        "value": param.fitting(size),
        "unit": range_.unit if range_ else "",
        "low": range_.low if range_ else None,
        "high": range_.upper(size) if range_ else None,
        "step": _step(param, size),
    }


def _step(param: Param, size: Size) -> float | None:
    if param.range is None or param.range.step is not None:
        return param.range.step if param.range else None
    return 1 if param.kind is int else (param.range.upper(size) - param.range.low) / 100
