"""Pictures with channels that are not red, green and blue: their bands, and three of them to look at."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from xai_core.errors import ImageError
from xai_core.pictures.depth import span
from xai_core.preprocessing import MOST_BANDS

Bands = NDArray[np.uint8 | np.uint16]
MOST_BYTES = 256 << 20
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MODES = ("RGBA", "LA")
_TOP = 65535
_ORIENTATION = 274  # the tag of TIFF; its values are those of EXIF
_UPRIGHT: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda values: values[:, ::-1],
    3: lambda values: values[::-1, ::-1],
    4: lambda values: values[::-1],
    5: lambda values: values.swapaxes(0, 1),
    6: lambda values: np.rot90(values, -1),
    7: lambda values: values[::-1, ::-1].swapaxes(0, 1),
    8: lambda values: np.rot90(values),
}
_NOT_BANDS = "This TIFF cannot be read as a picture with bands: expected an array (height, width, bands); got {0}."


def is_tiff(data: bytes) -> bool:
    """Whether a file has the mark of TIFF."""
    return data.startswith(_TIFF)


def bands_of(values: NDArray[Any], white: float = 0.0) -> tuple[Bands, str]:
    """Return values (h, w, B) of any type as bands, and a sentence on how they were scaled, or "".

    All bands are scaled alike. The white of the least usual depth that holds all values becomes 1, as in pictures of
    one channel; white: the value that becomes 1 instead, if it is above 0. ImageError for NaN or too many values.
    """
    if values.shape[-1] > MOST_BANDS or values.size * 2 > MOST_BYTES:
        raise ImageError(f"The picture has {values.shape[-1]} bands or too many pixels; at most {MOST_BANDS} are read.")
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), ""
    if values.dtype == np.uint8 and not white:
        return np.ascontiguousarray(values), ""
    low, high = (0.0, white) if white else span(values)
    shares = (np.asarray(values, np.float32) - np.float32(low)) * np.float32(_TOP / (high - low))
    scaled = np.clip(np.rint(shares), 0, _TOP).astype(np.uint16)
    return scaled, _in_words(values, low, high, declared=white > 0)


def _in_words(values: NDArray[Any], low: float, high: float, declared: bool) -> str:
    sentence = f"Bands with values from {low:g} to {high:g} were scaled to 0..1."
    if declared or values.dtype.kind == "f" or high >= _TOP:
        return sentence
    return f"{sentence} No value is above {values.max():g}; if the model was trained with a different scale, set white."


def composite(values: NDArray[Any], shown: str, notes: list[str], white: float = 0.0) -> Image.Image:
    """Return three of the bands of values (h, w, B) as red, green and blue, or one as grey, and note which.

    white: see `bands_of`. shown: their numbers from 1, separated by commas; "" for the first three, or the first of
    two. ImageError if there is no such band.
    """
    bands = bands_of(values, white)[0]
    count = bands.shape[-1]
    numbers = _numbers(shown, count) if shown else ((1, 2, 3) if count >= 3 else (1,))
    chosen = bands[..., [number - 1 for number in numbers]]
    eight = chosen if chosen.dtype == np.uint8 else np.asarray(chosen >> 8, np.uint8)
    listed = ", ".join(map(str, numbers))
    notes.append(
        f"The picture has {count} bands; {'bands' if len(numbers) > 1 else 'band'} {listed} of them "
        f"{'are' if len(numbers) > 1 else 'is'} shown, and used by models for colour pictures."
    )
    return Image.fromarray(np.ascontiguousarray(eight if len(numbers) == 3 else eight[..., 0]))


def of_image(image: Image.Image) -> Bands | None:
    """Return the channels of a Pillow image with transparency, upright; None for any other."""
    if image.mode not in _MODES:
        return None
    return np.array(ImageOps.exif_transpose(image))


class BandedTiff:
    """A TIFF whose pixels have more samples than Pillow reads, upright. Raises ImageError.

    size: width and height. turned: whether it does not lie upright in the file.
    """

    pages = 1

    def __init__(self, data: bytes) -> None:
        import tifffile  # few pictures need it

        with tifffile.TiffFile(io.BytesIO(data)) as file:
            series = file.series[0]
            axes, shape = str(series.axes), tuple(series.shape)
            if sorted(axes) != ["S", "X", "Y"] or series.nbytes > MOST_BYTES:
                raise ImageError(_NOT_BANDS.format(shape))
            values = np.asarray(series.asarray())
            turn = int(series.keyframe.tags.valueof(_ORIENTATION, 1))
        values = values if axes.endswith("S") else np.moveaxis(values, axes.index("S"), -1)
        self.turned = turn in _UPRIGHT
        self.values = _UPRIGHT[turn](values) if self.turned else values
        self.size = (self.values.shape[1], self.values.shape[0])


def _numbers(shown: str, count: int) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in shown.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3) or not all(1 <= number <= count for number in numbers):
        raise ImageError(f"Choose one band or three, separated by commas, from 1 to {count}; got {shown[:40]!r}.")
    return numbers
