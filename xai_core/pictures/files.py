"""Open an uploaded picture: known formats only, within limits, as 8-bit RGB."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from xai_core.errors import ImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_BYTES = 64 << 20
MAX_PIXELS = 40_000_000
MIN_SIDE = 8
MAX_RATIO = 50
_ORIENTATION = 0x0112  # EXIF tag
_NOT_A_PICTURE = "This is not a PNG, JPEG, WebP, BMP, GIF or TIFF picture. Save it as one of these and try again."
_TOO_MANY_PIXELS = f"The limit is {MAX_PIXELS // 1_000_000} megapixels. Reduce its size and try again."


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was uploaded.

    pixels: (h, w, 3) uint8 RGB. name: the user's name for it, for display only. digest: SHA-256 of the file's bytes.
    notes: what was changed to convert it to 8-bit RGB, as sentences.
    """

    pixels: NDArray[np.uint8]
    name: str
    digest: str
    notes: tuple[str, ...] = ()


def open_picture(file: bytes | str | Path, name: str | None = None) -> Picture:
    """Open a picture from its bytes or a path; ImageError if it cannot be used."""
    data = file if isinstance(file, bytes) else picture_bytes(Path(file))
    shown = name or ("picture" if isinstance(file, bytes) else Path(file).name)
    check_bytes(data)
    pixels, notes = _pixels(_opened(data))
    return Picture(pixels, shown, hashlib.sha256(data).hexdigest(), notes)


def pixels_claimed(data: bytes) -> int:
    """Return how many pixels the header of a picture claims, without decoding it; ImageError if it is no picture."""
    check_bytes(data)
    width, height = _opened(data).size
    return width * height


def picture_of(image: Image.Image, name: str) -> Picture:
    """Return a Pillow image of any mode as a picture; its digest is that of its 8-bit RGB values and their shape."""
    pixels, notes = _pixels(image)
    digest = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
    return Picture(pixels, name, digest, notes)


def _pixels(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    _check_size(image)
    try:
        return _as_rgb(image)
    except ImageError:
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


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"The picture has far too many pixels. {_TOO_MANY_PIXELS}") from error
    except Exception as error:  # a parser may raise anything at all on bytes that only look like its format
        raise ImageError(_NOT_A_PICTURE) from error


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    size = f"The picture is {width}x{height}"
    if width * height > MAX_PIXELS:
        raise ImageError(f"{size}, which is {width * height / 1e6:.0f} megapixels. {_TOO_MANY_PIXELS}")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise ImageError(f"{size}; its longer side must be at most {MAX_RATIO} times its shorter side.")
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{size}; both sides must be at least {MIN_SIDE} pixels.")


def _as_rgb(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return (h, w, 3) uint8 and what had to be changed, as sentences."""
    notes: list[str] = []
    if getattr(image, "is_animated", False):  # reads on to the next frame
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
    values = np.asarray(image, np.float64)
    if not np.isfinite(values).all():
        raise ImageError(
            "The picture contains values that are not numbers (NaN or infinity). Save it as an 8-bit picture."
        )
    low, high = _range(values, image.mode)
    notes.append(f"Values from {low:g} to {high:g} were scaled to 8 bits.")
    scaled = (values - low) / (high - low) * 255
    return Image.fromarray(np.clip(np.round(scaled), 0, 255).astype(np.uint8))


def _range(values: NDArray[np.float64], mode: str) -> tuple[float, float]:
    """Return the values for black and white: a common range that contains all values, otherwise their own range."""
    usual = (1.0, 255.0, 65535.0) if mode == "F" else (65535.0,)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= usual[-1]:
        return 0.0, next(top for top in usual if high <= top)
    return low, high if high > low else low + 1


def _opaque(image: Image.Image, notes: list[str]) -> Image.Image:
    if "A" not in image.getbands() and "a" not in image.getbands() and "transparency" not in image.info:
        return image
    layer = image.convert("RGBA")
    if layer.getchannel("A").getextrema() == (255, 255):
        return layer
    notes.append("Transparent areas were filled with white.")
    white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, layer)
