"""Open an uploaded picture: known formats only, within limits, as 8-bit RGB."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from xai_core.errors import ImageError
from xai_core.pictures.bands import Bands
from xai_core.pictures.depth import eight_bit
from xai_core.pictures.dicom import is_dicom
from xai_core.pictures.formats import PAGED, Pages, opened
from xai_core.pictures.opening import Opening
from xai_core.preprocessing import Floats, Preprocessing

MAX_BYTES = 64 << 20
MAX_PIXELS, MOST_REDUCED = 40_000_000, 150_000_000
MIN_SIDE = 8
MAX_RATIO = 50
CAN_BE_REDUCED = "It can be reduced to that while it is opened."
OTHER_BANDS = (
    "{0} has {1} channels; the model takes pictures with {2}. Use a file that holds them: a TIFF with {2} bands or "
    "pages, an NPY array (height, width, {2}), or for 4 a PNG with RGBA."
)
NO_BANDS = "The picture was reduced, so only its colours are left; a model for more channels cannot see it."
_ORIENTATION = 0x0112  # EXIF tag
_LIMIT = f"The limit is {MAX_PIXELS // 1_000_000} megapixels."


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was uploaded.

    pixels: (h, w, 3) uint8 RGB. name: the user's name for it, for display only. digest: SHA-256 of the file's bytes.
    notes: what was changed to convert it to 8-bit RGB, as sentences. pages: how many pictures the file has. page: which
    one this is, from 0. bands: (h, w, B) uint8 or uint16, the picture's own channels if they are not colours or grey;
    `pixels` then show some of them. windowed: whether a window of its grey values can be chosen. shown_bands: those
    that were chosen to be shown, "" for the first. white: the value of the bands that was chosen to become 1, or 0.
    """

    pixels: NDArray[np.uint8]
    name: str
    digest: str
    notes: tuple[str, ...] = ()
    pages: int = 1
    page: int = 0
    bands: Bands | None = None
    windowed: bool = False
    shown_bands: str = ""
    white: float = 0.0

    def placed(self, preprocessing: Preprocessing) -> Floats:
        """Return the picture as a model with this preprocessing sees it, (H, W, C) in [0, 1].

        ImageError if it has a different number of channels.
        """
        if preprocessing.channels != "bands":
            return preprocessing.place(self.pixels)
        if self.bands is None or not self.suits(preprocessing):
            raise ImageError(self.why_unsuited(preprocessing))
        return preprocessing.place(self.bands)

    def why_unsuited(self, preprocessing: Preprocessing) -> str:
        """Return why a model with this preprocessing cannot see the picture, as a sentence."""
        return OTHER_BANDS.format(self.name, 3 if self.bands is None else self.bands.shape[-1], preprocessing.depth)

    def suits(self, preprocessing: Preprocessing) -> bool:
        """Whether the picture has the channels that a model with this preprocessing sees."""
        bands = preprocessing.channels == "bands"
        return not bands or (self.bands is not None and self.bands.shape[-1] == preprocessing.depth)


def open_picture(
    file: bytes | str | Path,
    name: str | None = None,
    *,
    page: int = 0,
    reduce: bool = False,
    opening: Opening | None = None,
) -> Picture:
    """Open a picture from its bytes or a path; ImageError if it cannot be used.

    page: which one of a file with several, from 0. reduce: reduce a picture with too many pixels, instead of refusing.
    opening: both, with everything else that can be chosen, instead of `page` and `reduce`.
    """
    opening = opening or Opening(page=page + 1, reduce=reduce)
    page = opening.page - 1
    data = file if isinstance(file, bytes) else picture_bytes(Path(file))
    shown = name or ("picture" if isinstance(file, bytes) else Path(file).name)
    check_bytes(data)
    pages = opened(data, opening)
    if not 0 <= page < pages.count:
        raise ImageError(f"The picture has {pages.count} pages; there is no page {page + 1}.")
    pixels, notes = _decoded(pages, page, opening.reduce)
    further: list[str] = []
    bands = _bands(pages, page, pixels.shape, further)
    notes = (*notes, *further)
    more: dict[str, Any] = {"bands": bands, "windowed": is_dicom(data), "shown_bands": opening.bands}
    more["white"] = opening.white
    return Picture(pixels, shown, digest_of(data, opening), notes, pages.count, page, **more)


def digest_of(data: bytes, opening: Opening) -> str:
    """Return the SHA-256 of a picture's bytes, and of how it is opened if that is not as usual."""
    return hashlib.sha256(data + opening.key.encode()).hexdigest()


def _bands(pages: Pages, page: int, shape: tuple[int, ...], notes: list[str]) -> Bands | None:
    """Return a picture's bands; None if it has none, or if it was reduced."""
    with _damage_in_words():
        bands = pages.bands(page, notes)
    if bands is None or bands.shape[:2] == shape[:2]:
        return bands
    notes[:] = [NO_BANDS]
    return None


def pixels_claimed(data: bytes) -> int:
    """Return how many pixels the header of a picture claims, without decoding it; ImageError if it is no picture."""
    check_bytes(data)
    width, height = opened(data).size(0)
    return width * height


def picture_of(image: Image.Image, name: str) -> Picture:
    """Return a Pillow image of any mode as a picture; its digest is that of its 8-bit RGB values and their shape."""
    check_size(*image.size)
    with _damage_in_words():
        pixels, notes = _as_rgb(image, [])
    digest = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
    return Picture(pixels, name, digest, notes)


def _decoded(pages: Pages, page: int, reduce: bool) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    with _damage_in_words():
        check_size(*(size := pages.size(page)), reduce)
        notes: list[str] = []
        scale = (MAX_PIXELS / (size[0] * size[1])) ** 0.5 if reduce else 1.0
        image = pages.image(page, notes)
        if scale < 1:
            image = _reduced(image, scale, notes)
        if pages.count > 1:
            notes.append(f"The file has {pages.count} pages; this is page {page + 1}.")
        return _as_rgb(image, notes)


def _reduced(image: Image.Image, scale: float, notes: list[str]) -> Image.Image:
    size = (int(image.width * scale), int(image.height * scale))
    notes.append(f"The picture was reduced from {image.width}x{image.height} to {size[0]}x{size[1]} pixels.")
    image.draft("RGB", size)  # a JPEG is decoded at half its size or less, if that is enough
    image.load()
    image = ImageOps.exif_transpose(image)
    size = size if (image.width >= image.height) == (size[0] >= size[1]) else size[::-1]
    return image.resize(size, Image.Resampling.BOX if image.mode in ("P", "1") else Image.Resampling.BICUBIC)


@contextmanager
def _damage_in_words() -> Iterator[None]:
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # decoders raise anything at all on damaged bytes
        raise ImageError("The picture is damaged or incomplete. Get a fresh copy.") from error


def picture_bytes(path: Path) -> bytes:
    """Return the bytes of a picture's file; ImageError if it cannot be read, or has more than a picture may have."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(_too_large(path.stat().st_size))
        return path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"The picture {path.name} does not exist or cannot be read. Check its name and permissions."
        ) from error


def _too_large(size: int) -> str:
    return f"The file has {size / 2**20:.0f} MB; the limit for a picture is {MAX_BYTES >> 20} MB."


def check_bytes(data: bytes) -> None:
    """Raise ImageError if there are no bytes, or more than a picture may have."""
    if not data:
        raise ImageError("The file is empty. Get a fresh copy.")
    if len(data) > MAX_BYTES:
        raise ImageError(_too_large(len(data)))


def check_size(width: int, height: int, reduce: bool = False) -> None:
    """Raise ImageError if a picture of this size cannot be used; `reduce` allows more pixels."""
    size = f"The picture is {width}x{height}"
    if (pixels := width * height) > (MOST_REDUCED if reduce else MAX_PIXELS):
        way_out = CAN_BE_REDUCED if pixels <= MOST_REDUCED else "Reduce its size and try again."
        raise ImageError(f"{size}, which is {pixels / 1e6:.0f} megapixels. {_LIMIT} {way_out}")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise ImageError(f"{size}; its longer side must be at most {MAX_RATIO} times its shorter side.")
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{size}; both sides must be at least {MIN_SIDE} pixels.")


def _as_rgb(image: Image.Image, notes: list[str]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return (h, w, 3) uint8 and what had to be changed, as sentences."""
    if getattr(image, "is_animated", False) and image.format not in PAGED:  # reads on to the next frame
        notes.append("The picture has several frames; the first one is used.")
    image.load()
    image = _upright(image, notes)
    image = _eight_bit(image, notes)
    image = _opaque(image, notes)
    if image.mode == "CMYK":
        notes.append("CMYK colours were converted to RGB and may look slightly different.")
    return np.array(image.convert("RGB")), tuple(notes)


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.getexif().get(_ORIENTATION, 1) == 1:
        return image
    notes.append("The picture was rotated as its EXIF data specify.")
    return ImageOps.exif_transpose(image)


def _eight_bit(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode != "F" and not image.mode.startswith("I"):
        return image
    values, sentence = eight_bit(np.asarray(image))
    notes.append(sentence)
    return Image.fromarray(values)


def _opaque(image: Image.Image, notes: list[str]) -> Image.Image:
    if "A" not in image.getbands() and "a" not in image.getbands() and "transparency" not in image.info:
        return image
    layer = image.convert("RGBA")
    if layer.getchannel("A").getextrema() == (255, 255):
        return layer
    notes.append("Transparent areas were filled with white.")
    white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, layer)
