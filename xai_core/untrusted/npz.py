"""Read arrays of numbers and texts from an npz, whose size is known before anything is unpacked.

NumPy's own reader believes an array's header: an endless shape, items of size zero, a deeply nested literal.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from xai_core.errors import DataError
from xai_core.untrusted.zips import COMPRESSIONS, ENCRYPTED, UNREADABLE, opened_zip

Arrays = dict[str, NDArray[Any]]
DAMAGED = "The npz is damaged, or contains Python objects, which are never loaded. Save it again."
MOST_ARRAYS, MOST_AXES = 1_000, 8
KINDS = "biufUSmM"  # numbers, texts, times
MAGIC, _LONGEST_HEADER = b"\x93NUMPY", 10_000  # bytes; NumPy refuses longer ones too
_LENGTHS = {b"\1\0": struct.Struct("<H"), b"\2\0": struct.Struct("<I"), b"\3\0": struct.Struct("<I")}
_TYPE = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>|=][a-zA-Z]\d{0,9}(?:\[\w{1,4}\])?)['"]""")
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([\dL, ]{0,200})\)""")
_LONGEST_SIDE = 18  # digits
_PIECE = 1 << 20
_LAST_CHARACTER, _SURROGATES, _UNKNOWN = 0x10FFFF, (0xD800, 0xDFFF), 0xFFFD


class Npz:
    """The arrays of an npz by name, read one at a time.

    sizes: unpacked bytes by name. Raises DataError if the archive is not what NumPy writes.
    """

    def __init__(self, file: bytes | Path) -> None:
        try:
            self._archive = opened_zip(file, MOST_ARRAYS)
        except UNREADABLE as error:
            raise DataError(DAMAGED) from error
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._archive.infolist():
            name = _checked(entry).filename.removesuffix(".npy")
            if name in self._entries:
                raise DataError(f"The npz contains {name[:60]!a} twice. Save it again.")
            self._entries[name] = entry
        self.sizes = {name: entry.file_size for name, entry in self._entries.items()}

    def array(self, name: str) -> NDArray[Any]:
        """Read an array. Raises DataError if its header lies or asks for Python objects."""
        entry = self._entries[name]
        try:
            with self._archive.open(entry) as stream:
                return _array(stream, entry.file_size, name)
        except UNREADABLE as error:
            raise DataError(DAMAGED) from error

    def arrays(self) -> Arrays:
        """Read all arrays."""
        return {name: self.array(name) for name in self.sizes}


def single_array(data: bytes) -> NDArray[Any]:
    """Read the array of an npy file. Raises DataError if its header lies or asks for Python objects."""
    return _array(io.BytesIO(data), len(data), "in the file")


def _checked(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """Return an entry if NumPy can have written it; DataError otherwise."""
    if entry.flag_bits & ENCRYPTED:
        raise DataError("The npz is encrypted. Save it without a password.")
    if entry.compress_type not in COMPRESSIONS:
        raise DataError("The npz is compressed in an unusual way. Save it with numpy.savez or numpy.savez_compressed.")
    if not entry.filename.endswith(".npy"):
        raise DataError(
            f"This is a zip that contains {entry.filename[:60]!a}, but an npz contains only arrays. Save those with "
            "numpy.savez, or a table as CSV."
        )
    return entry


def _array(stream: IO[bytes], size: int, name: str) -> NDArray[Any]:
    header, length = _header(stream, name)
    dtype, shape, order = _type(header, name), _shape(header, name), _ORDER.search(header)
    items = math.prod(shape)
    if order is None or items * dtype.itemsize != size - length:
        claimed = " x ".join(map(str, shape)) or "1"
        raise DataError(
            f"The array {name[:40]} claims {claimed} items of {dtype.itemsize} bytes but stores {size - length} bytes. "
            "Save it again."
        )
    values = np.empty(items, dtype)
    _fill(stream, values)
    return _readable(values).reshape(shape, order="F" if order[1] == "True" else "C")


def _header(stream: IO[bytes], name: str) -> tuple[str, int]:
    """Return an array's header and how many bytes come before its values."""
    start = stream.read(len(MAGIC) + 2)
    if not start.startswith(MAGIC):
        raise DataError(f"The member {name[:40]} of the npz is not an array. Save it with numpy.savez.")
    size = _LENGTHS.get(start[len(MAGIC) :])
    length = b"" if size is None else stream.read(size.size)
    if size is None or len(length) < size.size or size.unpack(length)[0] > _LONGEST_HEADER:
        raise DataError(DAMAGED)
    (count,) = size.unpack(length)
    return stream.read(count).decode("latin-1"), len(start) + size.size + count


def _type(header: str, name: str) -> np.dtype[Any]:
    match = _TYPE.search(header)
    try:
        dtype = np.dtype(match[1] if match else "O")
    except (TypeError, ValueError):
        raise DataError(DAMAGED) from None
    if dtype.hasobject:
        raise DataError(DAMAGED)
    if dtype.kind not in KINDS or not dtype.itemsize:
        raise DataError(f"The array {name[:40]} is of the type {dtype}. Save numbers or texts.")
    return dtype


def _shape(header: str, name: str) -> tuple[int, ...]:
    match = _SHAPE.search(header)
    sides = [side.strip(" L") for side in match[1].split(",")] if match else [""]
    sides = sides[:-1] if not sides[-1] else sides
    if match is None or len(sides) > MOST_AXES or not all(side.isdecimal() for side in sides):
        raise DataError(f"The array {name[:40]} has no readable shape. Save it again.")
    if any(len(side) > _LONGEST_SIDE for side in sides):
        raise DataError(f"The array {name[:40]} claims more items than any file can hold. Save it again.")
    return tuple(map(int, sides))


def _fill(stream: IO[bytes], values: NDArray[Any]) -> None:
    """Read the values; DataError if the stream ends before they do."""
    if not values.nbytes:
        return
    left: memoryview = values.view(np.uint8).data
    while left:
        piece = stream.read(min(_PIECE, len(left)))
        if not piece:
            raise DataError(DAMAGED)
        left[: len(piece)] = piece
        left = left[len(piece) :]


def _readable(values: NDArray[Any]) -> NDArray[Any]:
    """Replace characters that do not exist in texts; other arrays stay as they are."""
    if values.dtype.kind == "S":
        return np.array([value.decode("utf-8", "replace") for value in values.tolist()], np.str_)
    if values.dtype.kind != "U" or not values.size:
        return values
    letters = values.view(np.dtype(np.uint32).newbyteorder(values.dtype.byteorder))
    surrogates = (letters >= _SURROGATES[0]) & (letters <= _SURROGATES[1])
    letters[surrogates | (letters > _LAST_CHARACTER)] = _UNKNOWN
    return values.astype(values.dtype.newbyteorder("="))
