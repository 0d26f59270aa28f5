"""Untrusted archives and folders of pictures: every entry is checked before any is read."""

from __future__ import annotations

import os
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from xai_core.errors import DataError
from xai_core.pictures.files import MAX_BYTES
from xai_core.untrusted.zips import ENCRYPTED, UNREADABLE, opened_zip

MOST_PICTURES, MOST_ENTRIES = 10_000, 50_000
LARGEST_UNPACKED = 4 << 30  # bytes
MOST_RATIO, RATIO_FROM = 200, 1 << 20  # unpacked over packed, for entries of that size; pictures hardly compress
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif", ".dcm")
DAMAGED = "The archive is damaged or cut short. Create it again."


class Entries(Protocol):
    """Files by their names, with forward slashes, and the folders that are empty.

    duplicates: how many pictures have the same content as another, as far as can be known without reading them.
    """

    files: list[str]
    empty_folders: list[str]
    duplicates: int

    def read(self, name: str) -> bytes: ...


class ZipEntries:
    """The files of a zip; DataError if it is damaged, or an entry is unsafe or exceeds a limit."""

    def __init__(self, file: bytes | Path) -> None:
        try:
            self._archive = opened_zip(file, MOST_ENTRIES)
        except UNREADABLE:
            raise DataError(DAMAGED) from None
        entries = self._archive.infolist()
        _check(entries)
        self.files = [entry.filename for entry in entries if not entry.is_dir() and _is_relevant(entry.filename)]
        filled = _filled_folders(entry.filename for entry in entries)
        folders = [entry.filename.rstrip("/") for entry in entries if entry.is_dir()]
        self.empty_folders = [folder for folder in folders if folder not in filled]
        contents = Counter((entry.CRC, entry.file_size) for entry in entries if is_picture(entry.filename))
        self.duplicates = sum(contents.values()) - len(contents)

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, at most one more than a picture may have."""
        try:
            with self._archive.open(name) as stream:
                return stream.read(MAX_BYTES + 1)
        except UNREADABLE:
            raise DataError(DAMAGED) from None


class FolderEntries:
    """The files below a folder; DataError if there is a link among them, or too many pictures."""

    duplicates = 0

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files, self.empty_folders = [], list[str]()
        for place, folders, files in os.walk(folder):
            here = Path(place)
            if any((here / name).is_symlink() for name in (*folders, *files)):
                raise DataError("The folder contains a link. Replace it with the files themselves.")
            relevant = filter(_is_relevant, files)
            self.files += sorted((here / name).relative_to(folder).as_posix() for name in relevant)
            if not folders and not files:
                self.empty_folders.append(here.relative_to(folder).as_posix())
            _check_number(sum(map(is_picture, self.files)))

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, at most one more than a picture may have."""
        try:
            with (self._folder / name).open("rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise DataError(f"The file {posixpath.basename(name)} cannot be read.") from error


def is_array(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is an array of an npz, which may compress to any ratio but has a size limit of its own."""
    return entry.filename.endswith(".npy")


def is_picture(name: str) -> bool:
    """Whether a name has the ending of a picture."""
    return _is_relevant(name) and name.lower().endswith(ENDINGS)


def _is_relevant(name: str) -> bool:
    """Whether a file is more than a leftover of the operating system."""
    return not name.startswith("__MACOSX/") and not posixpath.basename(name).startswith(".")


def _filled_folders(names: Iterable[str]) -> set[str]:
    """Return the folders that contain something."""
    filled: set[str] = set()
    for name in names:
        folder = posixpath.dirname(name.rstrip("/"))
        while folder and folder not in filled:
            filled.add(folder)
            folder = posixpath.dirname(folder)
    return filled


def _check(entries: list[zipfile.ZipInfo]) -> None:
    _check_number(sum(not entry.is_dir() and is_picture(entry.filename) for entry in entries))
    for entry in entries:
        for fault in _faults(entry):
            raise DataError(fault)
    size = sum(entry.file_size for entry in entries)
    if size > LARGEST_UNPACKED:
        raise DataError(f"The archive would unpack to {size >> 20} MB; at most {LARGEST_UNPACKED >> 20} MB are read.")
    name, times = Counter(entry.filename for entry in entries).most_common(1)[0] if entries else ("", 1)
    if times > 1:
        raise DataError(f"The archive contains {name[:60]!a} twice. Create it again.")


def _faults(entry: zipfile.ZipInfo) -> Iterator[str]:
    """Yield what makes an entry unsafe, in sentences."""
    if _is_unsafe(entry.orig_filename):
        path = entry.orig_filename[:60]
        yield f"The archive contains an unsafe path: {path!a}. Create it again from the folder itself."
    if (entry.external_attr >> 16) & 0o170000 not in (0, 0o100000, 0o040000):
        yield "The archive contains a link or a special file. Replace it with the pictures themselves."
    if entry.flag_bits & ENCRYPTED:
        yield "The archive is encrypted. Create it without a password."
    if _is_bomb(entry):
        yield (
            f"The archive contains a file of {entry.file_size >> 20} MB packed into {entry.compress_size >> 10} KB. No "
            "picture compresses that far. Archive the pictures themselves."
        )


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is packed more tightly than any picture can be."""
    tight = entry.file_size > MOST_RATIO * max(entry.compress_size, 1)
    return entry.file_size > RATIO_FROM and tight and not is_array(entry)


def _is_unsafe(name: str) -> bool:
    absolute = name.startswith("/") or re.match(r"[A-Za-z]:", name)
    return bool(absolute) or "\0" in name or "\\" in name or ".." in posixpath.normpath(name).split("/")


def _check_number(pictures: int) -> None:
    if pictures > MOST_PICTURES:
        raise DataError(f"There are {pictures} pictures; at most {MOST_PICTURES} are read. Use a random sample.")
