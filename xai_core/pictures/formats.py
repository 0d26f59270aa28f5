"""Open the bytes of a picture by their content; nothing is decoded until a page is asked for."""

from __future__ import annotations

import io
import warnings
from typing import Protocol

import numpy as np
from PIL import Image, ImageOps

from xai_core.errors import ImageError
from xai_core.pictures.arrays import STACKED, ArrayPicture, is_npy
from xai_core.pictures.bands import MOST_BYTES, BandedTiff, Bands, bands_of, composite, is_tiff, of_image
from xai_core.pictures.depth import eight_bit
from xai_core.pictures.dicom import Dicom, is_dicom
from xai_core.pictures.opening import MOST_PAGES, Opening
from xai_core.preprocessing import MOST_BANDS

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")  # of Pillow
NAMES = ("PNG", "JPEG", "WebP", "BMP", "GIF", "TIFF", "AVIF", "HEIC", "DICOM", "NPY")  # all that can be opened
PAGED = ("TIFF", "HEIF")  # whose frames are pages, which can be chosen
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_NOT_A_PICTURE = f"This is not a {', '.join(NAMES[:-1])} or {NAMES[-1]} picture. Save it as PNG or JPEG and try again."
_A_DRAWING = "This is an SVG drawing, which has no pixels. Export it as PNG and try again."
_TOO_MANY_PIXELS = "The picture has far too many pixels. The limit is 40 megapixels. Reduce its size and try again."
_START = 1000  # bytes
_GREY = ("1", "L", "I;16", "I;16B", "I", "F")  # modes of Pillow
_EIGHT, _FEWER = 8, 14  # bits of a colour


class Pages(Protocol):
    """The pictures of a file."""

    @property
    def count(self) -> int:
        """How many there are."""

    def size(self, page: int) -> tuple[int, int]:
        """Return the width and height of one, from 0."""

    def image(self, page: int, notes: list[str]) -> Image.Image:
        """Return one, which may still have to be loaded; notes gets what was changed."""

    def bands(self, page: int, notes: list[str]) -> Bands | None:
        """Return the channels (h, w, B) of one if it has others than red, green and blue, or grey; else None."""


def opened(data: bytes, opening: Opening = Opening()) -> Pages:  # noqa: B008  (frozen)
    """Return the pictures of a file, detected from the content. Raises ImageError if it has none."""
    if is_npy(data):
        return _Arrays(ArrayPicture(data, opening.bands, opening.white))
    if is_dicom(data):
        return _Arrays(Dicom(data, (opening.window_centre, opening.window_width)))
    if data[:_START].lstrip().startswith(b"<") and b"<svg" in data[:_START].lower():
        raise ImageError(_A_DRAWING)
    try:
        return _Pillow(data, _image(data), opening)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_TOO_MANY_PIXELS) from error
    except ImageError:
        raise
    except Exception as error:  # a parser may raise anything at all on bytes that only look like its format
        if is_tiff(data):
            return _banded(data, opening, error)
        raise ImageError(_NOT_A_PICTURE) from error


def _banded(data: bytes, opening: Opening, unreadable: Exception) -> Pages:
    try:
        return _Banded(BandedTiff(data), opening)
    except ImageError:
        raise
    except Exception:  # as above
        raise ImageError(_NOT_A_PICTURE) from unreadable


def _image(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # pixels are counted before they are decoded
        if data[4:8] == b"ftyp" and data[8:12] in _HEIC and b"avif" not in data[8:64]:
            _register_heic()
            return Image.open(io.BytesIO(data), formats=("HEIF",))
        return Image.open(io.BytesIO(data), formats=FORMATS)


def _register_heic() -> None:
    import pillow_heif  # few files are HEIC

    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.register_heif_opener()


_TURNED = "The picture was rotated as its TIFF orientation specifies."


class _Arrays:
    """Pictures that are made of arrays."""

    def __init__(self, file: ArrayPicture | Dicom) -> None:
        self._file, self.count = file, file.pages

    def size(self, page: int) -> tuple[int, int]:
        return self._file.size

    def image(self, page: int, notes: list[str]) -> Image.Image:
        return self._file.image(page, notes)

    def bands(self, page: int, notes: list[str]) -> Bands | None:
        return self._file.bands(page, notes) if isinstance(self._file, ArrayPicture) else None


class _Banded:
    """A TIFF with many bands."""

    count = 1

    def __init__(self, file: BandedTiff, opening: Opening) -> None:
        self._file, self._opening = file, opening

    def size(self, page: int) -> tuple[int, int]:
        return self._file.size

    def image(self, page: int, notes: list[str]) -> Image.Image:
        notes += [_TURNED] if self._file.turned else []
        return composite(self._file.values, self._opening.bands, notes, self._opening.white)

    def bands(self, page: int, notes: list[str]) -> Bands:
        bands, sentence = bands_of(self._file.values, self._opening.white)
        notes += [sentence] if sentence else []
        return bands


class _Pillow:
    """Pictures that Pillow opens. Only pages count; of an animation, the first frame is used."""

    def __init__(self, data: bytes, image: Image.Image, opening: Opening) -> None:
        self._data, self._image, self._opening = data, image, opening
        self.count = int(getattr(image, "n_frames", 1)) if image.format in PAGED else 1
        if self.count > MOST_PAGES:
            raise ImageError(f"The file has {self.count:,} pages; at most {MOST_PAGES:,} are read. Split it.")

    def size(self, page: int) -> tuple[int, int]:
        if self.count > 1:
            self._image.seek(page)
        return self._image.size

    def image(self, page: int, notes: list[str]) -> Image.Image:
        if self.count > 1:
            self._image.seek(page)
        if self._opening.bands and (bands := of_image(self._image)) is not None:
            return composite(bands, self._opening.bands, notes)
        return self._brightened(notes) or self._image

    def bands(self, page: int, notes: list[str]) -> Bands | None:
        if not 2 <= self.count <= MOST_BANDS or self._image.format != "TIFF":
            return of_image(self._image)
        try:
            stack = self._stacked() if self._are_grey_and_alike() else None
        except MemoryError:
            raise
        except Exception:  # anything at all, of another page; the chosen one was read
            stack = None
        finally:
            self._image.seek(page)
        if stack is None:
            return of_image(self._image)
        bands, sentence = stack
        notes += [STACKED.format(self.count), *([sentence] if sentence else [])]
        return bands

    def _are_grey_and_alike(self) -> bool:
        """Whether all pages are grey, of one size and not too large together; nothing is decoded."""
        kinds = set()
        for number in range(self.count):
            self._image.seek(number)
            kinds.add((self._image.mode, self._image.size))
        mode, (width, height) = next(iter(kinds))
        return len(kinds) == 1 and mode in _GREY and self.count * width * height * 2 <= MOST_BYTES

    def _stacked(self) -> tuple[Bands, str]:
        pages = []
        for number in range(self.count):
            self._image.seek(number)
            pages.append(np.array(ImageOps.exif_transpose(self._image)))
        return bands_of(np.stack(pages, axis=-1), self._opening.white)

    def _brightened(self, notes: list[str]) -> Image.Image | None:
        """Return a dark picture of 16 bits a colour in 8; None for any other, since Pillow keeps the upper 8 bits."""
        if "16" not in str(getattr(self._image, "tile", "")) or self._image.mode != "RGB" or self.count > 1:
            return None
        if int(np.asarray(self._image).max()) >= 1 << (_FEWER - _EIGHT):
            return None
        import cv2  # few pictures need it

        values = cv2.imdecode(np.frombuffer(self._data, np.uint8), cv2.IMREAD_UNCHANGED)
        if values is None or values.dtype != np.uint16 or values.ndim != 3 or values.shape[2] != 3:
            return None
        brightened, sentence = eight_bit(values[..., ::-1])
        notes.append(sentence)
        return Image.fromarray(np.ascontiguousarray(brightened))
