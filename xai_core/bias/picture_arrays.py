"""Labelled pictures in the arrays of an npz."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xai_core.bias.archives import MOST_PICTURES
from xai_core.bias.picture_labels import labels_of
from xai_core.bias.picture_set import EXPECTED, PictureSet, absent_notes
from xai_core.bias.reading import attribute_notes, attributes_of
from xai_core.bias.table_files import LABELS, TRUTH
from xai_core.errors import DataError
from xai_core.pictures.files import MIN_SIDE, Picture
from xai_core.types import Texts
from xai_core.untrusted.npz import Arrays, Npz

LARGEST_UNPACKED = 1 << 30  # bytes
PIXELS, CLASSES = ("x", "images", "pictures", "x_test"), ("y", "y_test", *TRUTH)
Pixels = NDArray[np.uint8]


def from_arrays(file: bytes | Path, name: str, label_column: str | None) -> PictureSet:
    """Read an npz of pictures x (n, H, W, 3) or (n, H, W) uint8 and classes y (n,); DataError if that fails.

    Other arrays with one value per picture are attributes. The array labels, or classes, gives the names of the
    classes in y.
    """
    arrays = _arrays(file)
    pixels = _pixels(arrays)
    class_names = _class_names(arrays)
    columns = {key: values.ravel() for key, values in arrays.items() if values.size == len(pixels)}
    used: set[str] = set()
    actual = labels_of(columns, CLASSES if label_column is None else [label_column], used)
    labels = class_names or tuple(sorted(set(actual.tolist()), key=_numbers_in_order))
    if class_names:
        actual = np.array([_named(label, class_names) for label in actual.tolist()], np.str_)
    notes: list[str] = []
    attributes = attributes_of({key: values for key, values in columns.items() if key not in used}, notes)
    notes += [*absent_notes(labels, actual), *attribute_notes(attributes)]
    return _picture_set(name, pixels, actual, labels, attributes, notes)


def _picture_set(
    name: str, pixels: Pixels, actual: Texts, labels: tuple[str, ...], attributes: dict[str, Texts], notes: list[str]
) -> PictureSet:
    return PictureSet(
        name=name,
        files=np.array([f"{number}" for number in range(len(pixels))], np.str_),
        actual=actual,
        labels=labels,
        attributes=attributes,
        notes=tuple(notes),
        opened=lambda number: Picture(pixels[number], str(number), _digest(pixels[number])),
        digests=lambda number: _digest(pixels[number]),
    )


def _arrays(file: bytes | Path) -> Arrays:
    arrays = Npz(file)
    size = sum(arrays.sizes.values())
    if size > LARGEST_UNPACKED:
        raise DataError(f"The npz would unpack to {size >> 20} MB; at most {LARGEST_UNPACKED >> 20} MB are read.")
    return arrays.arrays()


def _pixels(arrays: Arrays) -> Pixels:
    """Take the pictures out of the arrays, as (n, H, W, 3)."""
    name = next((name for name in PIXELS if name in arrays), None)
    if name is None:
        known = ", ".join(list(arrays)[:8]) or "nothing"
        raise DataError(f"The npz has no pictures x; it has {known}. Expected {EXPECTED}.")
    array = arrays.pop(name)
    pixels = array[..., None] if array.ndim == 3 else array
    if pixels.ndim != 4 or pixels.shape[3] not in (1, 3) or pixels.dtype != np.uint8:
        raise DataError(f"The pictures {name} have shape {array.shape} and type {array.dtype}. Expected {EXPECTED}.")
    _check_size(pixels)
    return np.broadcast_to(pixels, (*pixels.shape[:3], 3))


def _check_size(pixels: Pixels) -> None:
    number, height, width = pixels.shape[:3]
    if not 0 < number <= MOST_PICTURES:
        raise DataError(f"There are {number} pictures; 1 to {MOST_PICTURES} are read. Use a random sample.")
    if min(height, width) < MIN_SIDE:
        raise DataError(f"The pictures are {width}x{height}; each side needs at least {MIN_SIDE} pixels.")


def _class_names(arrays: Arrays) -> tuple[str, ...]:
    """Take the names of the classes out of the arrays; none if there are none."""
    key = next((name for name in LABELS if name in arrays and arrays[name].dtype.kind in "US"), None)
    return () if key is None else tuple(map(str, arrays.pop(key).ravel()))


def _named(text: str, labels: tuple[str, ...]) -> str:
    """Return the name of a class from its name or its number."""
    if text in labels:
        return text
    if text.isascii() and text.isdecimal() and int(text[:9]) < len(labels):
        return labels[int(text)]
    raise DataError(f"The label {text[:40]!r} is not among the {len(labels)} classes that the npz names.")


def _numbers_in_order(label: str) -> tuple[int, str]:
    return (int(label[:9]) if label.isascii() and label.isdecimal() else -1, label)


def _digest(pixels: Pixels) -> str:
    return hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
