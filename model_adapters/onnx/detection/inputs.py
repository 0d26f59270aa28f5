"""Turn pictures into the inputs of a detector's graph."""

from __future__ import annotations

import cv2
import numpy as np

from model_adapters.onnx.detection.readings import Reading
from xai_core.params import Size
from xai_core.types import Floats, InputSpec


def inputs_of(images: Floats, reading: Reading, spec: InputSpec) -> Floats:
    """Return images (N, H, W, 3) in 0..1 as a graph takes them, (N, height, width, C)."""
    height, width = (reading.side or side for side in images.shape[1:3])
    size = (spec.height or height, spec.width or width)
    shown = brought_to(size, images, reading.resizing == "area")
    return reading.preprocessing(*size, spec.channels).normalise(shown)


def brought_to(size: Size, images: Floats, by_areas: bool) -> Floats:
    """Return images (N, H, W, 3) stretched to `size`, (N, height, width, 3), as OpenCV does it.

    by_areas: use INTER_AREA (the mean over the area a pixel covers) instead of INTER_LINEAR (interpolation).
    """
    if images.shape[1:3] == size:
        return images
    way = cv2.INTER_AREA if by_areas else cv2.INTER_LINEAR
    stretched = np.empty((len(images), *size, 3), np.float32)
    for image, place in zip(images, stretched, strict=True):
        cv2.resize(np.ascontiguousarray(image, np.float32), size[::-1], dst=place, interpolation=way)
    return stretched
