"""Labelled pictures in the arrays of an npz."""

from __future__ import annotations

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.bias.archives import DAMAGED, MOST_PICTURES
from xai_core.bias.picture_set import EXPECTED, PictureSet, absent_notes, labels_of
from xai_core.bias.reading import attribute_notes, attributes_of
from xai_core.bias.table_files import LABELS, TRUTH
from xai_core.errors import DataError
from xai_core.pictures.files import MIN_SIDE, Picture

LARGEST_UNPACKED = 1 << 30  # bytes
PIXELS, CLASSES = ("x", "images", "pictures", "x_test"), ("y", "y_test", *TRUTH)
Pixels = NDArray[np.uint8]


def from_arrays(file: bytes | Path, name: str, label_column: str | None) -> PictureSet:
    """Read an npz with pictures x (n, H, W, 3) or (n, H, W) uint8 and classes y (n,); DataError where that fails.

    Other arrays of one value a picture are attributes; labels, or classes, names the classes that are numbers in y.
    """
    arrays = _arrays(file)
    pixels = _pixels(arrays)
    named = next((arrays.pop(one) for one in LABELS if one in arrays and arrays[one].dtype.kind in "US"), None)
    columns = {one: values.ravel() for one, values in arrays.items() if values.size == len(pixels)}
    used: set[str] = set()
    actual = labels_of(columns, CLASSES if label_column is None else [label_column], used)
    labels = tuple(sorted(set(actual.tolist()), key=_in_order))
    if named is not None:
        labels = tuple(str(one) for one in named.ravel())
        actual = np.array([_named(one, labels) for one in actual.tolist()], np.str_)
    notes: list[str] = []
    attributes = attributes_of({one: values for one, values in columns.items() if one not in used}, notes)
    return PictureSet(
        name=name,
        files=np.array([f"{number}" for number in range(len(pixels))], np.str_),
        actual=actual,
        labels=labels,
        attributes=attributes,
        notes=(*notes, *absent_notes(labels, actual), *attribute_notes(attributes)),
        opened=lambda number: Picture(pixels[number], str(number), _digest(pixels[number])),
        digests=lambda number: _digest(pixels[number]),
    )


def _arrays(file: bytes | Path) -> dict[str, NDArray[Any]]:
    def source() -> BytesIO | Path:
        return BytesIO(file) if isinstance(file, bytes) else file

    try:
        with zipfile.ZipFile(source()) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > LARGEST_UNPACKED:
            raise DataError(f"The npz would unpack to {size >> 20} MB; at most {LARGEST_UNPACKED >> 20} MB are read.")
        with np.load(source(), allow_pickle=False) as found:
            return {one: found[one] for one in found.files}
    except DataError:
        raise
    except Exception:  # a header may promise anything at all
        raise DataError(DAMAGED) from None


def _pixels(arrays: dict[str, NDArray[Any]]) -> Pixels:
    """Take the pictures out of the arrays, as (n, H, W, 3)."""
    name = next((one for one in PIXELS if one in arrays), None)
    if name is None:
        known = ", ".join(list(arrays)[:8]) or "nothing"
        raise DataError(f"The npz has no pictures x; it has {known}. Expected {EXPECTED}.")
    found = arrays.pop(name)
    pixels = found[..., None] if found.ndim == 3 else found
    if pixels.ndim != 4 or pixels.shape[3] not in (1, 3) or pixels.dtype != np.uint8:
        raise DataError(
            f"The pictures {name} have the shape {found.shape} and type {found.dtype}. Expected {EXPECTED}."
        )
    if not 0 < len(pixels) <= MOST_PICTURES:
        raise DataError(f"There are {len(pixels)} pictures; from 1 to {MOST_PICTURES} are read. Draw a sample of them.")
    if min(pixels.shape[1:3]) < MIN_SIDE:
        raise DataError(f"The pictures are {pixels.shape[2]}x{pixels.shape[1]}; a side has {MIN_SIDE} pixels at least.")
    return np.broadcast_to(pixels, (*pixels.shape[:3], 3))


def _named(text: str, labels: tuple[str, ...]) -> str:
    """Return the name of a class that is given by its number or its name."""
    if text in labels:
        return text
    if text.isascii() and text.isdecimal() and int(text[:9]) < len(labels):
        return labels[int(text)]
    raise DataError(f"The label {text[:40]!r} is none of the {len(labels)} classes that the npz names.")


def _in_order(label: str) -> tuple[int, str]:
    return (int(label[:9]) if label.isascii() and label.isdecimal() else -1, label)


def _digest(pixels: Pixels) -> str:
    return hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
