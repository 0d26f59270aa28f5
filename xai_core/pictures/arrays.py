"""Read pictures from NPY files: (h, w), (h, w, C) or (C, h, w), or a stack of these."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xai_core.errors import DataError, ImageError
from xai_core.pictures.bands import Bands, bands_of, composite
from xai_core.pictures.depth import eight_bit
from xai_core.preprocessing import MOST_BANDS
from xai_core.untrusted.npz import MAGIC, single_array

CHANNELS = (1, 3, 4)
STACKED = "The file has {0} grey pages of one size; a model with {0} channels sees all of them."
EXPECTED = (
    "Expected an array (height, width), (height, width, channels) or (channels, height, width) of numbers, or a stack "
    "of these"
)


def is_last(shape: tuple[int, ...]) -> bool:
    """Whether the last of three axes is that of the channels: short, and shorter than the others."""
    return 1 < shape[2] <= MOST_BANDS and shape[2] < min(shape[:2])


def is_npy(data: bytes) -> bool:
    """Whether a file is an array that NumPy saved."""
    return data.startswith(MAGIC)


class ArrayPicture:
    """An array as a picture. size: width and height. pages: how many pictures it has. Raises ImageError.

    shown: the bands that are shown if there are others than one, three or four. white: the value that becomes 1 in
    bands, or 0.
    """

    def __init__(self, data: bytes, shown: str = "", white: float = 0.0) -> None:
        self._shown, self._white = shown, white
        try:
            values = single_array(data)
        except DataError as error:
            raise ImageError(str(error)) from error
        if values.dtype.kind not in "biuf" or not values.size:
            raise ImageError(f"{EXPECTED}; got {values.dtype} of shape {values.shape}.")
        self._stack = _stack(values)
        self.pages, height, width, _ = self._stack.shape
        self.size = (width, height)

    def image(self, page: int, notes: list[str]) -> Image.Image:
        """Return one of the pictures in 8 bits, and note how it was made. Raises ImageError for NaN."""
        values = self._stack[page]
        if values.shape[-1] not in CHANNELS or (self._shown and values.shape[-1] > 1):
            return composite(values, self._shown, notes, self._white)
        if values.dtype == np.bool_:
            values = values.astype(np.uint8) * 255
        elif values.dtype != np.uint8:
            values, sentence = eight_bit(values)
            notes.append(sentence)
        return Image.fromarray(np.ascontiguousarray(values[..., 0] if values.shape[-1] == 1 else values))

    def bands(self, page: int, notes: list[str]) -> Bands | None:
        """Return the channels of one of the pictures if they are more than colours, or else all of a stack of grey."""
        count, *_, depth = self._stack.shape
        if depth in (2, *range(4, MOST_BANDS + 1)):
            return self._noted(self._stack[page], notes)
        if depth == 1 and 2 <= count <= MOST_BANDS:
            notes.append(STACKED.format(count))
            return self._noted(np.moveaxis(self._stack[..., 0], 0, -1), notes)
        return None

    def _noted(self, values: NDArray[Any], notes: list[str]) -> Bands:
        bands, sentence = bands_of(values, self._white)
        notes += [sentence] if sentence else []
        return bands


def _stack(values: NDArray[Any]) -> NDArray[Any]:
    """Return an array as (n, h, w, C)."""
    if values.ndim == 2:
        return values[None, ..., None]
    if values.ndim == 3 and values.shape[-1] in CHANNELS:
        return values[None]
    if values.ndim == 3 and values.shape[0] in CHANNELS:
        return values.transpose(1, 2, 0)[None]
    if values.ndim == 3 and is_last(values.shape):
        return values[None]
    if values.ndim == 3:
        return values[..., None]
    if values.ndim == 4 and values.shape[-1] in CHANNELS:
        return values
    if values.ndim == 4 and is_last(values.shape[1:]):
        return values
    if values.ndim == 4 and values.shape[1] in CHANNELS:
        return values.transpose(0, 2, 3, 1)
    raise ImageError(f"{EXPECTED}; got the shape {values.shape}.")
