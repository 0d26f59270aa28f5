"""The table of contents of a zip, bounded before it is read."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from xai_core.errors import DataError

UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError, RuntimeError, ValueError,
    IndexError, struct.error,
)  # fmt: skip
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1  # flag of an entry
_LONGEST_ENTRY = 300  # bytes of the table of contents, on average
_END, _END_MARK, _LONGEST_COMMENT = struct.Struct("<4s4H2LH"), b"PK\5\6", 0xFFFF
_END_64, _END_64_MARK = struct.Struct("<4sQ2H2L4Q"), b"PK\6\6"
_IN_END_64 = 0xFFFFFFFF


def opened_zip(file: bytes | Path, most_entries: int) -> zipfile.ZipFile:
    """Open a zip with at most so many entries.

    Python lists all entries when it opens a zip, so the size of that list is checked first. Raises DataError if there
    are too many, and one of `UNREADABLE` if the file is damaged.
    """
    with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as stream:
        size = _size_of_contents(stream)
    if size > most_entries * _LONGEST_ENTRY:
        raise DataError(f"The archive has too many entries; at most {most_entries} are read.")
    archive = zipfile.ZipFile(io.BytesIO(file) if isinstance(file, bytes) else file)
    if len(archive.infolist()) > most_entries:
        raise DataError(f"The archive has {len(archive.infolist())} entries; at most {most_entries} are read.")
    return archive


def _size_of_contents(stream: BinaryIO) -> int:
    """Return the bytes that the table of contents claims; BadZipFile if the archive has no end.

    Source: the zip format's specification, APPNOTE.TXT, sections 4.3.14 and 4.3.16.
    """
    length = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, length - _LONGEST_COMMENT - _END.size - _END_64.size))
    tail = stream.read()
    place = tail.rfind(_END_MARK)
    if place < 0 or len(tail) < place + _END.size:
        raise zipfile.BadZipFile("no end of the table of contents")
    size = int(_END.unpack_from(tail, place)[5])
    if size < _IN_END_64:
        return size
    place = tail.rfind(_END_64_MARK)
    if place < 0 or len(tail) < place + _END_64.size:
        raise zipfile.BadZipFile("no end of the table of contents")
    return int(_END_64.unpack_from(tail, place)[8])
