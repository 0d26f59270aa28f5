"""Labelled pictures: a zip or folder of class folders or with labels.csv, or an npz.

A fault is a DataError that says what was expected, what came and what to do; what is merely worth knowing is a note.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from xai_core.bias.archives import Entries, FolderEntries, ZipEntries, is_picture
from xai_core.bias.picture_arrays import from_arrays
from xai_core.bias.picture_set import EXPECTED, PictureSet, absent_notes, labels_of
from xai_core.bias.reading import attribute_notes, attributes_of, take
from xai_core.bias.table_files import FILE, TRUTH, read_table, texts_of
from xai_core.errors import DataError
from xai_core.pictures.files import open_picture
from xai_core.types import Texts

LISTED = "labels.csv"


def read_picture_set(file: bytes | Path, name: str, *, label_column: str | None = None) -> PictureSet:
    """Read what pictures there are and how they are labelled; the pictures themselves are read as they are asked for.

    file: the bytes of a zip or npz, or the path of one or of a folder. label_column: which column of labels.csv, or
    which array, has the classes, where it is not called label. Raises DataError.
    """
    if isinstance(file, Path) and file.is_dir():
        return _from_files(FolderEntries(file), name, label_column)
    start = file[:4] if isinstance(file, bytes) else _start(file)
    if not start.startswith(b"PK"):
        raise DataError(f"This is neither a zip nor an npz. Expected {EXPECTED}.")
    entries = ZipEntries(file)
    if any(one.endswith(".npy") for one in entries.files):
        return from_arrays(file, name, label_column)
    return _from_files(entries, name, label_column)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise DataError(f"There is no file called {path.name} that can be read.") from error


def _from_files(entries: Entries, name: str, label_column: str | None) -> PictureSet:
    lists = [one for one in entries.files if posixpath.basename(one).lower() == LISTED]
    pictures = sorted(filter(is_picture, entries.files))
    if not pictures:
        raise DataError(f"There is no picture in {name}. Expected {EXPECTED}.")
    if lists:
        return _from_list(entries, name, min(lists, key=lambda one: (one.count("/"), one)), pictures, label_column)
    return _from_folders(entries, name, pictures)


def _from_folders(entries: Entries, name: str, pictures: list[str]) -> PictureSet:
    if loose := [one for one in pictures if "/" not in one]:
        raise DataError(
            f"{loose[0][:60]} lies in no class folder, and there is no {LISTED} to give its label. Expected {EXPECTED}."
        )
    depths = {one.count("/") - 1 for one in pictures}
    empty = [posixpath.basename(one) for one in entries.empty_folders if one != "." and one.count("/") in depths]
    actual = np.array([posixpath.basename(posixpath.dirname(one)) for one in pictures], np.str_)
    labels = tuple(sorted({*actual.tolist(), *empty}))
    others = len(entries.files) - len(pictures)
    notes = [f"{others} files are no pictures and are left out."] if others else []
    return _of_entries(entries, name, pictures, actual, labels, {}, notes)


def _from_list(entries: Entries, name: str, listed: str, pictures: list[str], label_column: str | None) -> PictureSet:
    columns = read_table(entries.read(listed), EXPECTED).columns
    used: set[str] = set()
    given = take(columns, FILE, used)
    if given is None:
        raise DataError(
            f"{LISTED} has no column called file; it has {', '.join(list(columns)[:8])}. Expected {EXPECTED}."
        )
    files = _found(texts_of(given).tolist(), posixpath.dirname(listed), pictures)
    actual = labels_of(columns, ("label", *TRUTH) if label_column is None else [label_column], used)
    notes: list[str] = []
    attributes = attributes_of({column: values for column, values in columns.items() if column not in used}, notes)
    if unlisted := len(pictures) - len(files):
        notes.append(f"{unlisted} pictures are not in {LISTED} and are left out.")
    return _of_entries(entries, name, files, actual, tuple(sorted(set(actual.tolist()))), attributes, notes)


def _found(names: list[str], base: str, pictures: list[str]) -> list[str]:
    """Return the picture of each row, by its path beside the list or by its mere name where only one has it.

    Raises DataError where one is missing, or named twice.
    """
    if not names:
        raise DataError(f"{LISTED} has no rows. Expected {EXPECTED}.")
    known, times = set(pictures), Counter(map(posixpath.basename, pictures))
    alone = {name: one for one in pictures if times[name := posixpath.basename(one)] == 1}
    paths = [posixpath.normpath(posixpath.join(base, name.replace("\\", "/"))) for name in names]
    files = [one if one in known else alone.get(one.removeprefix(f"{base}/"), "") for one in paths]
    if missing := [name for name, one in zip(names, files, strict=True) if not one]:
        raise DataError(
            f"{LISTED} names {len(missing)} pictures that are not there, the first {missing[0][-60:]!r}. Add them, or "
            "take out their rows."
        )
    _check_once(files)
    return files


def _check_once(files: list[str]) -> None:
    first: dict[str, int] = {}
    for row, one in enumerate(files, 1):
        if one in first:
            shown = posixpath.basename(one)[:60]
            raise DataError(f"{LISTED} names {shown!r} in rows {first[one]} and {row}. Take one of them out.")
        first[one] = row


def _of_entries(
    entries: Entries,
    name: str,
    files: list[str],
    actual: Texts,
    labels: tuple[str, ...],
    attributes: Mapping[str, Texts],
    notes: list[str],
) -> PictureSet:
    if entries.doubles:
        notes.append(f"{entries.doubles} pictures are the same as another one.")
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
