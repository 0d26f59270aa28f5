"""Read labelled pictures: a zip or folder with class folders or labels.csv, or an npz.

A fault is a DataError that says what was expected, what came and what to do. Minor problems become notes.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from xai_core.bias.archives import Entries, FolderEntries, ZipEntries, is_picture
from xai_core.bias.picture_arrays import from_arrays
from xai_core.bias.picture_labels import labels_of
from xai_core.bias.picture_set import EXPECTED, PictureSet, absent_notes
from xai_core.bias.reading import attribute_notes, attributes_of, take
from xai_core.bias.table_files import FILE, TRUTH, read_table, texts_of
from xai_core.errors import DataError
from xai_core.pictures.files import open_picture
from xai_core.types import Texts

LISTED = "labels.csv"


def read_picture_set(file: bytes | Path, name: str, *, label_column: str | None = None) -> PictureSet:
    """Read the list of pictures and their labels; the pictures themselves are read on demand.

    file: the bytes of a zip or npz, or the path of one or of a folder. label_column: the column of labels.csv, or the
    array, that has the classes, if it is not called label. Raises DataError.
    """
    if isinstance(file, Path) and file.is_dir():
        return _from_files(FolderEntries(file), name, label_column)
    start = file[:4] if isinstance(file, bytes) else _start(file)
    if not start.startswith(b"PK"):
        raise DataError(f"This is neither a zip nor an npz. Expected {EXPECTED}.")
    entries = ZipEntries(file)
    if any(entry.endswith(".npy") for entry in entries.files):
        return from_arrays(file, name, label_column)
    return _from_files(entries, name, label_column)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise DataError(f"The file {path.name} does not exist or cannot be read.") from error


def _from_files(entries: Entries, name: str, label_column: str | None) -> PictureSet:
    lists = [entry for entry in entries.files if posixpath.basename(entry).lower() == LISTED]
    pictures = sorted(filter(is_picture, entries.files))
    if not pictures:
        raise DataError(f"There are no pictures in {name}. Expected {EXPECTED}.")
    if lists:
        topmost = min(lists, key=lambda path: (path.count("/"), path))
        return _from_list(entries, name, topmost, pictures, label_column)
    return _from_folders(entries, name, pictures)


def _from_folders(entries: Entries, name: str, pictures: list[str]) -> PictureSet:
    if loose := [path for path in pictures if "/" not in path]:
        raise DataError(
            f"{loose[0][:60]} is not in a class folder, and there is no {LISTED} to give its label. Expected "
            f"{EXPECTED}."
        )
    depths = {path.count("/") - 1 for path in pictures}
    empty = [posixpath.basename(path) for path in entries.empty_folders if path != "." and path.count("/") in depths]
    actual = np.array([posixpath.basename(posixpath.dirname(path)) for path in pictures], np.str_)
    labels = tuple(sorted({*actual.tolist(), *empty}))
    others = len(entries.files) - len(pictures)
    notes = [f"{others} files are not pictures and were skipped."] if others else []
    return _of_entries(entries, name, pictures, actual, labels, {}, notes)


def _from_list(entries: Entries, name: str, listed: str, pictures: list[str], label_column: str | None) -> PictureSet:
    columns = read_table(entries.read(listed), EXPECTED).columns
    used: set[str] = set()
    names = take(columns, FILE, used)
    if names is None:
        known = ", ".join(list(columns)[:8])
        raise DataError(f"{LISTED} has no column named file; it has {known}. Expected {EXPECTED}.")
    files = _matched(texts_of(names).tolist(), posixpath.dirname(listed), pictures)
    actual = labels_of(columns, ("label", *TRUTH) if label_column is None else [label_column], used)
    notes: list[str] = []
    attributes = attributes_of({column: values for column, values in columns.items() if column not in used}, notes)
    if unlisted := len(pictures) - len(files):
        notes.append(f"{unlisted} pictures are not in {LISTED} and were skipped.")
    return _of_entries(entries, name, files, actual, tuple(sorted(set(actual.tolist()))), attributes, notes)


def _matched(names: list[str], base: str, pictures: list[str]) -> list[str]:
    """Return the picture of each row, by its path next to the list, or by its bare name if that is unique.

    Raises DataError if one is missing, or named twice.
    """
    if not names:
        raise DataError(f"{LISTED} has no rows. Expected {EXPECTED}.")
    known, unique = set(pictures), _by_unique_name(pictures)
    paths = [posixpath.normpath(posixpath.join(base, name.replace("\\", "/"))) for name in names]
    files = [path if path in known else unique.get(path.removeprefix(f"{base}/"), "") for path in paths]
    if missing := [name for name, file in zip(names, files, strict=True) if not file]:
        raise DataError(
            f"{LISTED} names {len(missing):,} pictures that are missing, the first {missing[0][-60:]!r}. Add them, or "
            "remove their rows."
        )
    _check_once(files)
    return files


def _by_unique_name(pictures: Sequence[str]) -> dict[str, str]:
    """Return the paths of the pictures whose bare name only one has, by that name."""
    times = Counter(map(posixpath.basename, pictures))
    return {name: path for path in pictures if times[name := posixpath.basename(path)] == 1}


def _check_once(files: list[str]) -> None:
    first: dict[str, int] = {}
    for row, file in enumerate(files, 1):
        if file in first:
            name = posixpath.basename(file)[:60]
            raise DataError(f"{LISTED} names {name!r} in rows {first[file]} and {row}. Remove one of them.")
        first[file] = row


def _of_entries(
    entries: Entries,
    name: str,
    files: list[str],
    actual: Texts,
    labels: tuple[str, ...],
    attributes: Mapping[str, Texts],
    notes: list[str],
) -> PictureSet:
    if entries.duplicates:
        notes.append(f"{entries.duplicates} pictures are exact copies of others.")
    return PictureSet(
        name=name,
        files=np.array(files, np.str_),
        actual=actual,
        labels=labels,
        attributes=attributes,
        notes=(*notes, *absent_notes(labels, actual), *attribute_notes(attributes)),
        opened=lambda number: open_picture(entries.read(files[number]), files[number]),
        digests=lambda number: hashlib.sha256(entries.read(files[number])).hexdigest(),
    )
