"""Regions of a picture in the forms that a caller may pass."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from vitrine.parsing import file_bytes, shared_parser
from xai_core.errors import ParamError
from xai_core.pictures.files import Picture
from xai_core.pictures.label_maps import MAX_BYTES, LabelMap
from xai_core.preprocessing import Preprocessing
from xai_core.segmentation.regions import Region, box_in, mask_in, polygon_in
from xai_core.segmentation.segments import Segmentation
from xai_core.services.parsing.questions.read_label_map import ReadLabelMap
from xai_core.types import Flags

PREDICTED, WHOLE = "predicted", "picture"
EXPECTED = (
    f"A region is {PREDICTED!r}, {WHOLE!r}, a pixel (x, y), a box (left, top, right, bottom), the corners of a polygon "
    "[(x, y), (x, y), (x, y), ...], or a boolean mask (h, w) of the picture's pixels"
)
MOST_NUMBERS = 10  # looked at to tell a pixel, a box and a polygon apart
NOWHERE = (
    "No pixel of this picture is predicted as {0}, so there is no region to explain. Choose one of {1}, or pass a "
    "region: a pixel, a box or a polygon."
)
OUTSIDE = (
    "The pixel ({0:g}, {1:g}) lies outside what the model sees of the picture, which has {2} x {3} pixels. Choose one "
    "inside."
)


def as_region(
    wanted: Any,
    index: int,
    labels: Sequence[str],
    segmentation: Segmentation,
    preprocessing: Preprocessing,
    picture: Picture,
) -> Region:
    """Return a region as the model sees it; ParamError if it is none, or holds no pixel.

    wanted: None or "predicted" for where the class `index` was predicted, "picture" for all of it, (x, y) for the
    connected region around a pixel, (left, top, right, bottom) for a box, three or more (x, y) for a polygon, flags
    (h, w) for single pixels. All are in pixels of the picture.
    """
    size = picture.pixels.shape[0], picture.pixels.shape[1]
    if wanted is None or isinstance(wanted, str):
        return _named(wanted, index, labels, segmentation)
    numbers = _numbers(wanted)
    values = np.asarray(wanted)
    if values.dtype == np.bool_ and values.shape == size:
        return Region(mask_in(preprocessing, values), "pixels of your choice")
    if len(numbers) == 2 and values.ndim == 1:
        return _around(numbers[0], numbers[1], segmentation, preprocessing, size)
    if len(numbers) == 4 and values.ndim == 1:
        left, top, right, bottom = numbers
        words = f"the box {left:g}, {top:g}, {right:g}, {bottom:g}"
        return Region(box_in(preprocessing, size, (left, top, right, bottom)), words)
    if values.ndim == 2 and values.shape[1] == 2 and len(values) > 2 and np.isfinite(values).all():
        corners = [(float(x), float(y)) for x, y in values]
        return Region(polygon_in(preprocessing, size, corners), f"a polygon with {len(corners)} corners")
    raise ParamError(f"{EXPECTED}; got {_shown(wanted)}.")


def wanted_region(text: str) -> Any:
    """Return a region as `as_region` takes it from text: a name, numbers separated by commas, or the path of a PNG.

    The corners of a polygon are separated by spaces.
    """
    if text in (PREDICTED, WHOLE):
        return text
    if os.path.isfile(text):  # False for a polygon too long to be a name, of which Path raises
        return label_map_in(Path(text)) > 0
    try:
        places = [tuple(float(number) for number in place.split(",")) for place in text.split()]
    except ValueError:
        raise ParamError(f"{EXPECTED}; got {text[:80]!r}.") from None
    return places[0] if len(places) == 1 else places


def label_map_in(path: Path) -> LabelMap:
    """Return the numbers of a picture's pixels (h, w), read in the sandbox; DataError if it holds none."""
    return shared_parser().ask(ReadLabelMap(file_bytes(path, "label map", MAX_BYTES)))


def _named(wanted: str | None, index: int, labels: Sequence[str], segmentation: Segmentation) -> Region:
    if wanted == WHOLE:
        return Region(np.ones(segmentation.classes.shape, np.bool_), "the whole picture")
    if wanted not in (None, PREDICTED):
        raise ParamError(f"{EXPECTED}; got {_shown(wanted)}.")
    mask: Flags = segmentation.region_of(index)
    if not mask.any():
        there = ", ".join(labels[segment.index] for segment in segmentation.segments[:8])
        raise ParamError(NOWHERE.format(labels[index], there or "another picture"))
    return Region(mask, f"where {labels[index]} is predicted")


def _around(x: float, y: float, segmentation: Segmentation, way: Preprocessing, size: tuple[int, int]) -> Region:
    at_x, at_y = way.position(x, y, size)
    height, width = segmentation.classes.shape
    if not (0 <= at_x < width and 0 <= at_y < height):
        raise ParamError(OUTSIDE.format(x, y, size[1], size[0]))
    return Region(segmentation.connected(int(at_y), int(at_x)), f"the connected region at ({x:g}, {y:g})")


def _numbers(wanted: Any) -> list[float]:
    try:
        parts = list(np.asarray(wanted).ravel()[:MOST_NUMBERS].tolist())
    except (TypeError, ValueError):  # rows of different lengths
        parts = [None]
    if not all(isinstance(part, Real) and np.isfinite(float(part)) for part in parts):
        raise ParamError(f"{EXPECTED}; got {_shown(wanted)}.")
    return [float(part) for part in parts]


def _shown(wanted: Any) -> str:
    return f"an array of shape {wanted.shape}" if isinstance(wanted, np.ndarray) else repr(wanted)[:80]
