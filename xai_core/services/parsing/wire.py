"""Texts as arrays, because the JSON of a frame must be short; and checks of what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.errors import DataError
from xai_core.jobs.checks import text
from xai_core.jobs.frames import Arrays, BadFrame
from xai_core.types import Indices, Texts
from xai_core.untrusted.texts import LONGEST_TEXT, text_array

MOST_TEXTS = 5_000_000
MOST_VALUES = 255  # of an attribute
LARGEST_COLUMNS = 512 << 20  # bytes of all attributes
Codes = NDArray[np.uint8]


def packed(texts: Iterable[str]) -> Arrays:
    """Return texts as two arrays: their UTF-8 bytes, and the length of each in bytes."""
    encoded = [text.encode("utf-8", "replace") for text in texts]
    return [np.frombuffer(b"".join(encoded), np.uint8), np.array(list(map(len, encoded)), np.int32)]


def unpacked(arrays: Arrays, most: int = MOST_TEXTS) -> list[str]:
    """Return the texts of two arrays that `packed` wrote; BadFrame if they do not match."""
    letters, lengths = of_type(arrays[0], "u1", 1), of_type(arrays[1], "i4", 1)
    if len(lengths) > most or (lengths < 0).any() or lengths.sum(dtype=np.int64) != len(letters):
        raise BadFrame("The lengths of the texts do not add up.")
    data, ends = letters.tobytes(), np.cumsum(lengths, dtype=np.int64).tolist()
    starts = [0, *ends][:-1]
    return [_clean(data[start:end]) for start, end in zip(starts, ends, strict=True)]


def packed_roles(roles: Mapping[str, str]) -> Arrays:
    """Return the column of each role as two arrays."""
    return packed(text for pair in roles.items() for text in pair)


def unpacked_roles(arrays: Arrays) -> dict[str, str]:
    """Return what `packed_roles` wrote; BadFrame if a column is missing."""
    texts = unpacked(arrays)
    if len(texts) % 2:
        raise BadFrame("Expected a column for each role.")
    return dict(zip(texts[::2], texts[1::2], strict=True))


def unpacked_array(arrays: Arrays, count: int) -> Texts:
    """Return texts as an array (count,); BadFrame if their number is different, or one is too long."""
    texts = unpacked(arrays)
    if len(texts) != count:
        raise BadFrame(f"Expected {count} texts; got {len(texts)}.")
    try:
        return text_array(texts, "texts")
    except DataError as error:
        raise BadFrame(str(error)) from error


def notes(values: Any) -> tuple[str, ...]:
    """Return a file's notes, each as a sentence of a length that fits a page."""
    if not isinstance(values, list) or len(values) > 10_000:
        raise BadFrame("Expected a list of notes.")
    return tuple(map(text, values))


def of_type(array: NDArray[Any], kind: str, axes: int) -> NDArray[Any]:
    """Return an array if it has this type and this number of axes."""
    if array.dtype != np.dtype(kind) or array.ndim != axes:
        raise BadFrame(f"Expected {kind} with {axes} axes; got {array.dtype} {array.shape}.")
    return array


def of_shape(array: NDArray[Any], kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an array if it has this type and shape."""
    if array.dtype != np.dtype(kind) or array.shape != shape:
        raise BadFrame(f"Expected {kind} {shape}; got {array.dtype} {array.shape}.")
    return array


def numbered(array: NDArray[Any], least: int, count: int) -> Indices:
    """Return whole numbers from `least` to below `count` as int64."""
    if array.size and (array.min() < least or array.max() >= count):
        raise BadFrame(f"Expected numbers from {least} to {count - 1}.")
    return array.astype(np.int64)


def taken(arrays: Arrays, counts: Sequence[int]) -> list[Arrays]:
    """Split arrays into groups of these sizes; BadFrame if the sizes do not add up to all of them."""
    if sum(counts) != len(arrays):
        raise BadFrame(f"Expected {sum(counts)} arrays; got {len(arrays)}.")
    left = iter(arrays)
    return [[next(left) for _ in range(count)] for count in counts]


def coded(columns: Sequence[Texts], count: int) -> tuple[list[str], Codes]:
    """Return the distinct values of columns (n,), for each column their number first, and codes (A, n).

    Raises DataError if the columns take too much memory.
    """
    if sum(column.nbytes for column in columns) > LARGEST_COLUMNS:
        raise DataError("The texts of the attributes take too much memory. Shorten them, or leave out columns.")
    values: list[str] = []
    codes = np.zeros((len(columns), count), np.uint8)
    for row, column in zip(codes, columns, strict=True):
        distinct, places = np.unique(column, return_inverse=True)
        values += [str(len(distinct)), *distinct.tolist()]
        row[:] = places
    return values, codes


def decoded(values: Sequence[str], codes: Codes) -> list[Texts]:
    """Return the columns (n,) that `coded` wrote; BadFrame if they make no sense."""
    columns, left, room = list[Texts](), iter(values), LARGEST_COLUMNS
    try:
        for row in codes:
            distinct = [next(left) for _ in range(min(int(next(left)), MOST_VALUES))]
            numbered(row, 0, len(distinct))
            texts, room = np.array(distinct, np.str_), room - len(row) * _bytes(distinct)
            if room < 0:
                raise BadFrame("The columns of texts take too much memory.")
            columns.append(texts[row])
    except (StopIteration, ValueError):
        raise BadFrame("The values of an attribute are missing.") from None
    return columns


def _bytes(texts: Sequence[str]) -> int:
    """Return the bytes that each of these texts takes in an array."""
    return np.dtype(np.str_).itemsize + 4 * max(map(len, texts), default=0)


def _clean(data: bytes) -> str:
    """Return a text with spaces for unprintable characters, cut to the length that texts from files may have."""
    shown = data.decode("utf-8", "replace")[:LONGEST_TEXT]
    return shown if shown.isprintable() else "".join(sign if sign.isprintable() else " " for sign in shown)
