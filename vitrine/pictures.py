"""Convert pictures in any form common in Python into 8-bit RGB pictures for models."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitrine.parsing import shared_parser
from xai_core.errors import ImageError, in_sentences
from xai_core.pictures.arrays import is_last
from xai_core.pictures.bands import composite
from xai_core.pictures.files import Picture, picture_bytes, picture_of
from xai_core.pictures.opening import Opening
from xai_core.services.parsing.questions.open_picture import OpenPicture

BYTE, WHITE = 255, 65535
RGBA = 4
CHANNELS = (1, 3, 4)  # grey, RGB, RGB with transparency
EXPECTED = (
    "Expected a path, a PIL image, an array (H, W, 3) of uint8 or of floats from 0 to 1, or a tensor (3, H, W) or "
    "(H, W, 3) of floats from 0 to 1"
)


@in_sentences("Opening the pictures failed")
def as_pictures(pictures: Any) -> list[Picture]:
    """Return one picture, a list of pictures or a batch (N, ...) as a list of 8-bit RGB pictures.

    Each is a path, the bytes of a file, a PIL image, an array (H, W), (H, W, 3) or (H, W, 4) of uint8 or of floats from
    0 to 1, or a PyTorch tensor laid out (C, H, W) or (H, W, C). A model with other channels takes arrays (H, W, C) with
    2 to 64 channels, which may also be uint16 (white is 65535). Raises ImageError, which names the picture.
    """
    if isinstance(pictures, str | bytes | os.PathLike | Image.Image | Picture):
        return [as_picture(pictures)]
    if _is_array(pictures):
        pictures = list(pictures) if pictures.ndim == 4 else [pictures]
    if not isinstance(pictures, Iterable):
        raise ImageError(f"{EXPECTED}, or a list of these; got {type(pictures).__name__}.")
    converted = [as_picture(image, f"picture {n}") for n, image in enumerate(pictures, 1)]
    if not converted:
        raise ImageError("The list holds no picture; give at least one.")
    return converted


def as_picture(picture: Any, name: str = "picture", **opening: Any) -> Picture:
    """Return one picture as 8-bit RGB; `name` is used if it has no file name.

    opening: how a file is opened. page: which picture of a file with several, counted from 1. bands: which bands of a
    multi-band picture are shown, such as "4,3,2". white: the value of its bands that becomes 1. window_centre,
    window_width: the window of a DICOM picture's values. reduce: whether a file of more than 40 megapixels is reduced
    instead of refused.
    """
    return _opened(picture, name, Opening(**opening))


def _opened(picture: Any, name: str, opening: Opening) -> Picture:
    if isinstance(picture, Picture):
        return picture
    if isinstance(picture, bytes):
        return shared_parser().ask(OpenPicture(picture, name, opening))
    if isinstance(picture, str | os.PathLike):
        return _from_file(Path(picture), opening)
    if isinstance(picture, Image.Image):
        return picture_of(picture, Path(getattr(picture, "filename", "") or name).name)
    if _is_array(picture):
        return _picture_of(_on_last_axis(picture), name)
    raise ImageError(f"{EXPECTED}; got {type(picture).__name__}.")


def _from_file(path: Path, opening: Opening) -> Picture:
    try:
        return shared_parser().ask(OpenPicture(picture_bytes(path), path.name, opening))
    except ImageError as error:
        raise ImageError(str(error) if path.name in str(error) else f"{path.name}: {error}") from error


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and hasattr(value, "ndim")


def _on_last_axis(array: Any) -> NDArray[Any]:
    """Return an array or tensor as NumPy; PyTorch's (C, H, W) becomes (H, W, C)."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(array, torch.Tensor):
        return np.asarray(array)
    values: NDArray[Any] = array.detach().cpu().float().numpy() if array.is_floating_point() else array.cpu().numpy()
    return values.transpose(1, 2, 0) if values.ndim == 3 and _planes_first(values) else values


def _planes_first(values: NDArray[Any]) -> bool:
    return values.shape[0] in CHANNELS or is_last((*values.shape[1:], values.shape[0]))


def _picture_of(values: NDArray[Any], name: str) -> Picture:
    """Return an array as a picture, with its channels as bands if they are not grey or colours."""
    if values.ndim != 3 or values.shape[2] in (1, 3) or not is_last(values.shape):
        return picture_of(_image_of(values, name), name)
    bands = np.ascontiguousarray(values if values.dtype == np.uint16 else _as_bands(values, name))
    notes: list[str] = []
    shown = _image_of(values, name) if values.shape[2] == RGBA and values.dtype != np.uint16 else None
    picture = picture_of(shown or composite(bands, "", notes, float(np.iinfo(bands.dtype).max)), name)
    digest = hashlib.sha256(f"{bands.shape} {bands.dtype}".encode() + bands.tobytes()).hexdigest()
    return replace(picture, bands=bands, digest=digest, notes=(*picture.notes, *notes))


def _as_bands(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Return values in 8 bits, or floats from 0 to 1 in 16."""
    as_bytes = _as_bytes(values, name)
    return as_bytes if values.dtype == np.uint8 else np.rint(values * WHITE).astype(np.uint16)


def _image_of(values: NDArray[Any], name: str) -> Image.Image:
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in CHANNELS):
        raise ImageError(f"{name}: {EXPECTED}; got an array of shape {values.shape}.{_advice(values)}")
    pixels = _as_bytes(values, name)
    return Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)


def _advice(values: NDArray[Any]) -> str:
    if values.ndim == 3 and values.shape[0] in CHANNELS:
        return " Put the channels last: array.transpose(1, 2, 0)."
    return ""


def _as_bytes(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if not np.issubdtype(values.dtype, np.floating):
        raise ImageError(f"{name}: {EXPECTED}; got {values.dtype}. Convert it: array.astype('uint8').")
    if not np.isfinite(values).all():
        raise ImageError(f"{name} holds values that are not numbers (NaN or infinity).")
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if low < 0 or high > 1:
        raise ImageError(
            f"{name}: floats must lie between 0 and 1; got {low:.3g} to {high:.3g}. Give the picture as it was before "
            "it was normalised (preprocessing does that), and divide values up to 255 by 255."
        )
    return np.ascontiguousarray(np.rint(values * BYTE), np.uint8)
