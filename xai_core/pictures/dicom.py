"""Read pictures from DICOM files, as a viewer shows them: rescaled, in the file's window, white on black."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xai_core.errors import ImageError
from xai_core.pictures.depth import eight_bit, scaled
from xai_core.pictures.opening import MOST_PAGES

MARK, MARK_AT = b"DICM", 128
_FAR = 1e9  # beyond every window
_DAMAGED = "The DICOM file is damaged or contains no picture. Export it again."


def is_dicom(data: bytes) -> bool:
    """Whether a file has the mark of DICOM."""
    return data[MARK_AT : MARK_AT + len(MARK)] == MARK


class Dicom:
    """A DICOM file. size: width and height. pages: how many frames it has. Raises ImageError if it has no picture.

    window: the centre and width of the grey values to show; a width of 0 for the file's own.
    """

    def __init__(self, data: bytes, window: tuple[float, float] = (0.0, 0.0)) -> None:
        self._window = window
        import pydicom  # few files are DICOM

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # values against the standard, which can be read all the same
                self._set: Any = pydicom.dcmread(io.BytesIO(data))
                self.size = (int(self._set.Columns), int(self._set.Rows))
                self.pages = int(self._set.get("NumberOfFrames") or 1)
                known = "PixelData" in self._set and 0 < self.pages <= MOST_PAGES and min(self.size) > 0
        except Exception as error:  # the reader may raise anything at all on damaged bytes
            raise ImageError(_DAMAGED) from error
        if not known:
            raise ImageError(_DAMAGED)

    def image(self, page: int, notes: list[str]) -> Image.Image:
        """Return a frame in 8 bits, and note how it was made. Raises ImageError."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return Image.fromarray(np.ascontiguousarray(self._shown(self._pixels(page), notes)))
        except ImageError:
            raise
        except Exception as error:
            raise ImageError(_DAMAGED) from error

    def _pixels(self, page: int) -> NDArray[Any]:
        from pydicom.pixels.utils import pixel_array

        try:
            pixels: NDArray[Any] = pixel_array(self._set, index=page if self.pages > 1 else None)
        except (NotImplementedError, RuntimeError) as error:
            syntax = self._set.file_meta.TransferSyntaxUID
            if not syntax.is_compressed:
                raise
            raise ImageError(
                f"The picture is compressed as {syntax.name[:60]}, which cannot be read. Save it uncompressed."
            ) from error
        return pixels

    def _shown(self, pixels: NDArray[Any], notes: list[str]) -> NDArray[np.uint8]:
        from pydicom.pixels.processing import apply_color_lut

        kind = str(self._set.PhotometricInterpretation)
        if kind == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, self._set)
        if pixels.ndim == 3:
            return pixels if pixels.dtype == np.uint8 else scaled(pixels, 0, np.iinfo(pixels.dtype).max)
        grey = self._grey(pixels, notes)
        if kind != "MONOCHROME1":
            return grey
        notes.append("The file stores bright as dark (MONOCHROME1); the picture was inverted.")
        return 255 - grey

    def _grey(self, pixels: NDArray[Any], notes: list[str]) -> NDArray[np.uint8]:
        """Return a frame (h, w) rescaled and in the file's window; without one, from its darkest to its brightest."""
        from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut, apply_windowing

        values = np.asarray(apply_modality_lut(pixels, self._set), np.float64)
        if self._window[1] > 0:
            centre, width = self._window
            notes.append(f"The chosen window was applied: centre {centre:g}, width {width:g}.")
            return scaled(values, centre - width / 2, centre + width / 2)
        if "VOILUTSequence" in self._set and "ModalityLUTSequence" not in self._set:
            notes.append("The file's own table of grey values was applied.")
            return eight_bit(np.asarray(apply_voi_lut(pixels, self._set, prefer_lut=True)))[0]
        if not _first(self._set.get("WindowWidth")):
            notes.append(f"The file has no window; values from {values.min():g} to {values.max():g} are shown.")
            return scaled(values, values.min(), max(values.max(), values.min() + 1))
        centre, width = _first(self._set.WindowCenter), _first(self._set.WindowWidth)
        notes.append(f"The file's window was applied: centre {centre:g}, width {width:g}.")
        ends = np.array([-_FAR, _FAR])
        windowed = apply_windowing(np.concatenate([values.ravel(), ends]), self._set)
        return scaled(windowed[:-2].reshape(values.shape), windowed[-2], windowed[-1])


def _first(value: Any) -> float:
    """Return a number, or the first of several."""
    if value is None or value == "":
        return 0.0
    return float(value[0] if isinstance(value, list | tuple) or hasattr(value, "append") else value)
