"""Archives and folders of pictures from strangers: every entry is checked before any is read."""

from __future__ import annotations

import os
import posixpath
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Protocol

from xai_core.errors import DataError
from xai_core.pictures.files import MAX_BYTES

MOST_PICTURES, MOST_ENTRIES = 10_000, 50_000
LARGEST_UNPACKED = 4 << 30  # bytes
MOST_RATIO, RATIO_FROM = 200, 1 << 20  # unpacked over packed, of entries of that size; pictures hardly compress
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
DAMAGED = "The archive is damaged or cut short. Pack it anew."


class Entries(Protocol):
    """Files by their names, with forward slashes, and folders that hold nothing.

    doubles: how many pictures have the content of another one, as far as that is known unread.
    """

    files: list[str]
    empty_folders: list[str]
    doubles: int

    def read(self, name: str) -> bytes: ...


class ZipEntries:
    """The files of a zip; DataError where it is damaged, or an entry is unsafe or breaks a limit."""

    def __init__(self, file: bytes | Path) -> None:
        try:
            self._archive = zipfile.ZipFile(BytesIO(file) if isinstance(file, bytes) else file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            raise DataError(DAMAGED) from None
        entries = self._archive.infolist()
        _check(entries)
        self.files = [one.filename for one in entries if not one.is_dir() and _wanted(one.filename)]
        holding = _holding(one.filename for one in entries)
        folders = [one.filename.rstrip("/") for one in entries if one.is_dir()]
        self.empty_folders = [one for one in folders if one not in holding]
        contents = Counter((one.CRC, one.file_size) for one in entries if is_picture(one.filename))
        self.doubles = sum(contents.values()) - len(contents)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, one more than a picture may have at the most."""
        try:
            with self._archive.open(name) as stream:
                return stream.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError):
            raise DataError(DAMAGED) from None


class FolderEntries:
    """The files below a folder; DataError where there is a link among them, or too many pictures."""

    doubles = 0

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files, self.empty_folders = [], list[str]()
        for place, folders, files in os.walk(folder):
            here = Path(place)
            if any((here / name).is_symlink() for name in (*folders, *files)):
                raise DataError("The folder holds a link. Put the files themselves there.")
            self.files += sorted((here / name).relative_to(folder).as_posix() for name in files if _wanted(name))
            if not folders and not files:
                self.empty_folders.append(here.relative_to(folder).as_posix())
            _check_number(sum(map(is_picture, self.files)))

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, one more than a picture may have at the most."""
        try:
            with (self._folder / name).open("rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise DataError(f"The file {posixpath.basename(name)} can not be read.") from error


def is_array(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is an array of an npz, which may be packed as tightly as it likes but has a limit of its own."""
    return entry.filename.endswith(".npy")


def is_picture(name: str) -> bool:
    """Whether a name has the ending of a picture."""
    return _wanted(name) and name.lower().endswith(ENDINGS)


def _wanted(name: str) -> bool:
    """Whether a file is more than what a system leaves behind."""
    return not name.startswith("__MACOSX/") and not posixpath.basename(name).startswith(".")


def _holding(names: Iterable[str]) -> set[str]:
    """Return the folders that hold something."""
    found: set[str] = set()
    for name in names:
        folder = posixpath.dirname(name.rstrip("/"))
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


def _check(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise DataError(f"The archive holds {len(entries)} entries; at most {MOST_ENTRIES} are read.")
    _check_number(sum(not one.is_dir() and is_picture(one.filename) for one in entries))
    for fault in _faults(entries):
        raise DataError(fault)
    size = sum(one.file_size for one in entries)
    if size > LARGEST_UNPACKED:
        raise DataError(f"The archive would unpack to {size >> 20} MB; at most {LARGEST_UNPACKED >> 20} MB are read.")
    name, times = Counter(one.filename for one in entries).most_common(1)[0] if entries else ("", 1)
    if times > 1:
        raise DataError(f"The archive holds {name[:60]!a} twice. Pack it anew.")


def _faults(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    for one in entries:
        if _is_unsafe(one.orig_filename):
            yield f"The archive holds an unsafe path: {one.orig_filename[:60]!a}. Pack the folder itself anew."
        if (one.external_attr >> 16) & 0o170000 not in (0, 0o100000, 0o040000):
            yield "The archive holds a link or a special file. Pack the pictures themselves."
        if one.flag_bits & 1:
            yield "The archive is encrypted. Pack it without a password."
        if one.file_size > RATIO_FROM and one.file_size > MOST_RATIO * max(one.compress_size, 1) and not is_array(one):
            yield (
                f"The archive holds a file of {one.file_size >> 20} MB that was packed into {one.compress_size >> 10} "
                "KB, as no picture can be. Pack the pictures themselves."
            )


def _is_unsafe(name: str) -> bool:
    absolute = name.startswith("/") or re.match(r"[A-Za-z]:", name)
    return bool(absolute) or "\0" in name or "\\" in name or ".." in posixpath.normpath(name).split("/")


def _check_number(pictures: int) -> None:
    if pictures > MOST_PICTURES:
        raise DataError(f"There are {pictures} pictures; at most {MOST_PICTURES} are read. Draw a sample of them.")
