"""Turn signed maps into pictures: colours, overlays, files."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xai_core.errors import DataError
from xai_core.params import Declared, Range, params_of
from xai_core.pictures.colour_maps import COLOUR_MAPS, ENTRIES, colour_table
from xai_core.types import Floats

Picture = NDArray[np.uint8]
AUTOMATIC = {"signed": "blue-red", "unsigned": "inferno"}


@dataclass(frozen=True, kw_only=True)
class Look(Declared):
    """How a map is drawn, both in the browser and in files."""

    opacity: Annotated[float, Range(0, 1, 0.05), "How much the map covers the photo."] = 0.7
    colour_map: Annotated[
        Literal["automatic", "blue-red", "purple-orange", "inferno", "viridis", "cividis", "gray"],
        "Automatic uses blue-red for maps with positive and negative values, otherwise inferno.",
    ] = "automatic"
    fade: Annotated[bool, "Let the photo show through where the map is weak."] = True
    smooth: Annotated[bool, "Interpolate between the map's pixels. Off shows each pixel as a square."] = True

    def colours_for(self, heatmap: Floats) -> str:
        """Return the name of the colour map that suits a map (H, W)."""
        if self.colour_map != "automatic":
            return self.colour_map
        return AUTOMATIC["signed" if heatmap.size and heatmap.min() < 0 else "unsigned"]


Look.id, Look.title, Look.params = "look", "Look", params_of(Look)


def scale_limits(heatmap: Floats, colour_map: str) -> tuple[float, float]:
    """Return the values at the two ends of a colour map: symmetric about zero if it is diverging.

    map: (H, W), finite; DataError otherwise.
    """
    if not heatmap.size or not np.isfinite(heatmap).all():
        raise DataError("A map needs finite numbers to be drawn, and this one has others. Run the method again.")
    if COLOUR_MAPS[colour_map].diverging:
        limit = float(np.abs(heatmap).max())
        return -limit, limit
    return float(heatmap.min()), float(heatmap.max())


def heat_map(heatmap: Floats, look: Look, limits: tuple[float, float] | None = None) -> Picture:
    """Return the colours of a map (H, W) as (H, W, 3) uint8; `limits` default to the map's own."""
    name = look.colours_for(heatmap)
    shares = _shares(heatmap, name, limits or scale_limits(heatmap, name))
    return np.asarray(colour_table(name)[np.floor(shares * (ENTRIES - 1) + 0.5).astype(np.intp)])


def overlay(photo: Picture, heatmap: Floats, look: Look, limits: tuple[float, float] | None = None) -> Picture:
    """Draw a map (H, W) over a photo (h, w, 3) uint8 with the same field of view, at the photo's size."""
    drawn = Look(**look.values() | {"colour_map": look.colours_for(heatmap)})
    limits = limits or scale_limits(heatmap, drawn.colour_map)
    fitted = _resized(heatmap, photo.shape[1], photo.shape[0], look.smooth)
    cover = _cover(fitted, drawn, limits)[..., None]
    return np.asarray(np.rint(photo * (1 - cover) + heat_map(fitted, drawn, limits) * cover), np.uint8)


def png_bytes(picture: Picture) -> bytes:
    """Encode (h, w, 3) uint8 as PNG."""
    return _encoded(picture, "PNG")


def jpeg_bytes(picture: Picture, quality: int = 90) -> bytes:
    """Encode (h, w, 3) uint8 as JPEG; `quality` from 1 to 95."""
    return _encoded(picture, "JPEG", quality=quality)


def _resized(heatmap: Floats, width: int, height: int, smooth: bool) -> Floats:
    resampling = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(np.asarray(heatmap, np.float32)).resize((width, height), resampling))


def _shares(heatmap: Floats, colour_map: str, limits: tuple[float, float]) -> NDArray[np.float64]:
    """Return the position of each value between the limits, 0 to 1; a map of zeros lies where zero is drawn."""
    low, high = limits
    if high <= low:
        return np.full(heatmap.shape, 0.5 if COLOUR_MAPS[colour_map].diverging else 0.0)
    return np.clip((heatmap.astype(np.float64) - low) / (high - low), 0, 1)


def _cover(heatmap: Floats, look: Look, limits: tuple[float, float]) -> NDArray[np.float64]:
    """Return how much each pixel covers the photo, 0 to 1.

    With fading it is the square root of the strength, since most values of a gradient map lie far below the maximum.
    """
    if not look.fade:
        return np.full(heatmap.shape, look.opacity)
    shares = _shares(heatmap, look.colour_map, limits)
    strength = np.abs(2 * shares - 1) if COLOUR_MAPS[look.colour_map].diverging else shares
    return np.asarray(look.opacity * np.sqrt(strength))


def _encoded(picture: Picture, file_format: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, file_format, **options)
    return buffer.getvalue()
