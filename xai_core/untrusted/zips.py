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
_SIZE = 5  # place of the size of the contents in what `zipfile` reads from the end of an archive


def opened_zip(file: bytes | Path, most_entries: int) -> zipfile.ZipFile:
    """Open a zip with at most `most_entries` entries.

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

    An archive may have two ends that differ, so this asks the function that `ZipFile` itself asks.
    """
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if end is None:
        raise zipfile.BadZipFile("no end of the table of contents")
    return int(end[_SIZE])
