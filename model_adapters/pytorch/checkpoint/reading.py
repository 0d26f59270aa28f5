"""Open a file of torch.save, or a pickle of tensors, and read everything in it as data."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

from model_adapters.files import archives, inert, pickles
from model_adapters.files.records import Contents
from model_adapters.pytorch.checkpoint import exports, extras, storages
from model_adapters.pytorch.checkpoint.settings import as_texts, settings_of
from model_adapters.pytorch.checkpoint.storages import DAMAGED
from model_adapters.pytorch.checkpoint.values import TOO_DEEP, Values
from xai_core.errors import ModelError, RefusedModel, UnsupportedModel
from xai_core.labels import BACKGROUND
from xai_core.types import Card

MAX_PICKLE = 64 << 20  # bytes
ZIP = b"PK\3\4"
MOST_NAMED = 3
_WRONG_DATA = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError, OSError,
    RuntimeError, TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """What a file of torch.save holds.

    content: tensors, arrays, plain values and containers of them; a whole module is its state dict, an object is a
    dict of its attributes. notes: what users should know about the reading. labels: lists of class names found in the
    file, most likely first. settings: plain values beside the weights, by name. way_out: the error if
    no network fits; None for the usual one.
    """

    content: Any
    notes: tuple[str, ...] = ()
    labels: tuple[tuple[str, ...], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    way_out: UnsupportedModel | None = None

    @property
    def facts(self) -> dict[str, str]:
        """The settings as texts, as a card shows them."""
        return as_texts(self.settings)

    def named(self, card: Card, background: bool = False) -> Card:
        """Return the card with the settings in the file, and its class names if they fit.

        background: as for `labels_for`.
        """
        labels = self.labels_for(card.classes, background) or card.labels
        return replace(card, labels=labels, settings=self.facts)

    def labels_for(self, classes: int, background: bool = False) -> tuple[str, ...]:
        """Return the class names in the file if there is one for each class, else none.

        background: whether a name of the background may come first; it is left out.
        """
        fitting = (names for names in self.labels if len(names) == classes)
        behind = (
            names[1:] for names in self.labels if background and len(names) == classes + 1 and _is_ground(names[0])
        )
        return next(iter((*fitting, *behind)), ())


def read(path: str) -> Checkpoint:
    """Read a file without running anything in it; RefusedModel if it is damaged, UnsupportedModel if it is no use."""
    try:
        with open(path, "rb") as file:
            return _read(path, file)
    except ModelError:
        raise
    except RecursionError:
        raise RefusedModel(TOO_DEEP) from None
    except _WRONG_DATA:
        raise RefusedModel(DAMAGED) from None


def _read(path: str, file: IO[bytes]) -> Checkpoint:
    head = file.read(len(pickles.TORCH_MAGIC))
    file.seek(0)
    if head.startswith(ZIP):
        with archives.opened_zip(path) as archive:
            contents, found = _zipped(archive, file)
            return _checkpoint(contents, Values(found))
    if head == pickles.TORCH_MAGIC:
        contents, found = _old(file)
        return _checkpoint(contents, Values(found))
    return _checkpoint(inert.read(file), Values(storages.none_at_all, _saved_storage))


def _zipped(archive: zipfile.ZipFile, file: IO[bytes]) -> tuple[Contents, storages.Storages]:
    name = min((n for n in archive.namelist() if f"/{n}".endswith("/data.pkl")), key=len)
    if archive.getinfo(name).file_size > MAX_PICKLE:
        raise RefusedModel(f"The pickle inside the file is larger than {MAX_PICKLE >> 20} MB.")
    contents = inert.read(io.BytesIO(archive.read(name)))
    return contents, storages.in_zip(archive, file, name.removesuffix("data.pkl"))


def _old(file: IO[bytes]) -> tuple[Contents, storages.Storages]:
    _, _, system, contents, keys = [inert.read(file) for _ in range(pickles.LEGACY_PICKLES)]
    if system.value.get("little_endian") is not True:
        raise RefusedModel(DAMAGED)
    return contents, storages.after_pickles(file, keys.value, contents.storages)


def _saved_storage(data: bytes) -> Any:
    """Return the storage that a plain pickle holds as a whole file of torch.save."""
    file = io.BytesIO(data)
    contents, found = _old(file)
    return Values(found).of(contents.value)


def _checkpoint(contents: Contents, values: Values) -> Checkpoint:
    exports.refuse_ultralytics(contents)
    content = values.of(contents.value)
    return Checkpoint(
        content,
        _notes(list(values.objects)),
        extras.labels(content),
        settings_of(content),
        exports.way_out(contents, content),
    )


def _is_ground(name: str) -> bool:
    return name.strip().casefold() in BACKGROUND


def _notes(objects: list[str]) -> tuple[str, ...]:
    if not objects:
        return ()
    more = f" and {len(objects) - MOST_NAMED} more" if len(objects) > MOST_NAMED else ""
    shown = ", ".join(exports.harmless(name) for name in objects[:MOST_NAMED])
    return (f"The file holds Python objects ({shown}{more}). They were read as data; none of their code ran.",)
