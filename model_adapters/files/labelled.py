"""A model file packed with the names of its classes, as Teachable Machine and Custom Vision export it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from model_adapters.files.archives import opened_zip
from xai_core.errors import DataError
from xai_core.labels import MAX_BYTES, read_labels
from xai_core.types import Card, FileKind, ModelSource

SUFFIX = "-zip"
PACKED = ("keras", "keras-h5", "keras-weights", "tflite", "frozen-graph")
_ENDINGS = (".h5", ".hdf5", ".keras", ".tflite", ".lite", ".pb")
_LABEL_FILE = re.compile(r".*label.*\.(txt|json)|class(es|_names)\.(txt|json)")
NOT_USED = "The archive's {name} names {count} classes, but the model has {classes}; the names are not used."


def plain(names: Iterable[str]) -> list[str]:
    """Return the names of an archive's entries without what macOS adds."""
    return [name for name in names if not name.startswith("__MACOSX/") and not _base(name).startswith("._")]


def model_among(names: Iterable[str]) -> str | None:
    """Return the name of the only model file of a kind that may be packed with labels; None if there is not one."""
    models = [name for name in plain(names) if name.lower().endswith(_ENDINGS)]
    return models[0] if len(models) == 1 else None


def is_packed(kind: FileKind) -> bool:
    """Return whether a file is an archive of one model file and what belongs to it."""
    return kind.format.removesuffix(SUFFIX) in PACKED and kind.format.endswith(SUFFIX)


@contextmanager
def copied(archive: zipfile.ZipFile, name: str) -> Iterator[str]:
    """Return the path of a temporary copy of an entry."""
    with tempfile.NamedTemporaryFile() as copy, archive.open(name) as packed:
        shutil.copyfileobj(packed, copy, 1 << 20)
        copy.flush()
        yield copy.name


@contextmanager
def inside(path: str, kind: FileKind) -> Iterator[tuple[str, FileKind]]:
    """Return the path and kind of the model file in an archive, for as long as the context lasts."""
    if not is_packed(kind):
        yield path, kind
        return
    with opened_zip(path) as archive, copied(archive, model_among(archive.namelist()) or "") as place:
        yield place, _unpacked_kind(kind)


def unpacked(source: ModelSource, kind: FileKind, scratch: str) -> tuple[ModelSource, FileKind]:
    """Return the source and kind of the model file in an archive, which is unpacked into `scratch`."""
    if not is_packed(kind):
        return source, kind
    place = os.path.join(scratch, "packed model")
    with inside(source.path, kind) as (path, inner):
        shutil.copyfile(path, place)
    return replace(source, path=place), inner


def named(card: Card, path: str) -> Card:
    """Return the card with the class names that lie beside the model in its archive, if there are any."""
    if card.labels or not card.classes or not zipfile.is_zipfile(path):
        return card
    with opened_zip(path) as archive:
        entries = [info for info in archive.infolist() if _LABEL_FILE.fullmatch(_base(info.filename).lower())]
        if len(entries) != 1 or entries[0].file_size > MAX_BYTES:
            return card
        text, name = archive.read(entries[0]), _base(entries[0].filename)
    try:
        labels = read_labels(text, name=name)
    except DataError:
        return card
    if len(labels) == card.classes:
        return replace(card, labels=labels)
    note = NOT_USED.format(name=name, count=len(labels), classes=card.classes)
    return replace(card, notes=(*card.notes, note))


def _unpacked_kind(kind: FileKind) -> FileKind:
    return replace(kind, format=kind.format.removesuffix(SUFFIX))


def _base(name: str) -> str:
    return name.rsplit("/", 1)[-1]
