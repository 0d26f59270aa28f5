"""Untrusted zip and tar archives: every entry is checked before use, every byte counted while unpacking."""

from __future__ import annotations

import posixpath
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xai_core.errors import RefusedModel

MAX_ENTRIES = 5000
MAX_UNPACKED = 2 << 30  # bytes
MAX_RATIO = 200  # unpacked over packed; weights hardly compress, so a higher ratio is a bomb
CUT_SHORT = "The file is damaged or cut short (its table of contents is missing). Get a fresh copy."
TWICE = "The archive holds two entries of the same name. Pack the model's folder again."
DAMAGED = "The archive is damaged or cut short. Get a fresh copy."


@dataclass(frozen=True)
class Entry:
    """One entry as the archive declares it; sizes in bytes, `packed` is None if unknown."""

    name: str
    size: int
    packed: int | None
    folder: bool


@contextmanager
def opened_zip(path: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip once its entries have passed all checks; RefusedModel if one fails or the zip is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check(_zip_entries(archive), Path(path).stat().st_size)
            yield archive
    except zipfile.BadZipFile:
        raise RefusedModel(CUT_SHORT) from None
    except (zlib.error, EOFError, NotImplementedError, OSError, struct.error, UnicodeDecodeError):
        raise RefusedModel(DAMAGED) from None


@contextmanager
def opened_tar(path: str) -> Iterator[tarfile.TarFile]:
    """Open a tar or tar.gz once its entries have passed all checks; RefusedModel if one fails."""
    try:
        with tarfile.open(path) as archive:
            _check(_tar_entries(archive), Path(path).stat().st_size)
            yield archive
    except (tarfile.TarError, zlib.error, EOFError, OSError):
        raise RefusedModel(DAMAGED) from None


def unpack(path: str, folder: str) -> None:
    """Unpack a zip, tar or tar.gz into an empty folder; RefusedModel if any check fails.

    No more than MAX_UNPACKED bytes are written, whatever the archive declares.
    """
    target = Path(folder)
    if zipfile.is_zipfile(path):
        with opened_zip(path) as archive:
            _write(((i.filename, archive.open(i)) for i in archive.infolist() if not i.is_dir()), target)
        return
    with opened_tar(path) as tar:
        members = (m for m in tar.getmembers() if m.isreg())
        _write(((m.name, stream) for m in members if (stream := tar.extractfile(m))), target)


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[Entry]:
    for info in archive.infolist():
        if (info.external_attr >> 16) & 0o170000 not in (0, 0o100000, 0o040000):
            raise RefusedModel("The archive holds a link or a special file. Pack the files themselves.")
        if info.flag_bits & 1:
            raise RefusedModel("The archive is encrypted. Pack it without a password.")
        yield Entry(info.filename, info.file_size, info.compress_size, info.is_dir())


def _tar_entries(archive: tarfile.TarFile) -> Iterator[Entry]:
    for member in archive:
        if not (member.isreg() or member.isdir()):
            raise RefusedModel("The archive holds a link or a special file. Pack the files themselves.")
        yield Entry(member.name, member.size, None, member.isdir())


def _check(entries: Iterable[Entry], packed: int) -> None:
    # Entries are read one by one: a tar would skip through a bomb's bytes before its next entry is known.
    seen: set[str] = set()
    total = 0
    for entry in entries:
        _check_name(entry.name, seen)
        seen.add(entry.name)
        total += entry.size
        _check_size(entry, total, packed)
        if len(seen) > MAX_ENTRIES:
            raise RefusedModel(f"The archive holds more than {MAX_ENTRIES} entries, which is the limit.")


def _check_name(name: str, seen: set[str]) -> None:
    absolute = name.startswith("/") or re.match(r"[A-Za-z]:", name)
    if absolute or "\0" in name or "\\" in name or ".." in posixpath.normpath(name).split("/"):
        raise RefusedModel(f"The archive holds an unsafe path: {name[:60]!a}. Pack the model's folder again.")
    if name in seen:
        raise RefusedModel(TWICE)


def _check_size(entry: Entry, total: int, packed: int) -> None:
    part = packed if entry.packed is None else entry.packed
    if entry.size > 1 << 20 and entry.size > MAX_RATIO * max(part, 1):
        raise RefusedModel(f"The archive would unpack to {max(total, entry.size) >> 20} MB from {packed >> 10} KB.")
    if total > MAX_UNPACKED:
        raise RefusedModel(f"The archive would unpack to more than {MAX_UNPACKED >> 20} MB, which is the limit.")


def _write(streams: Iterable[tuple[str, IO[bytes]]], target: Path) -> None:
    left = MAX_UNPACKED
    for name, stream in streams:
        place = target / posixpath.normpath(name)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with stream, place.open("xb") as file:
                left = _copy(stream, file, left)
        except (FileExistsError, NotADirectoryError):
            raise RefusedModel(
                "The archive holds two entries of the same name. Pack the model's folder again."
            ) from None


def _copy(stream: IO[bytes], file: IO[bytes], left: int) -> int:
    while chunk := stream.read(1 << 20):
        left -= len(chunk)
        if left < 0:
            raise RefusedModel(f"The archive unpacks to more than {MAX_UNPACKED >> 20} MB, which is the limit.")
        file.write(chunk)
    return left
