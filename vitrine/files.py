"""Model files and label files on disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from pathlib import Path

from model_adapters.files.preflight import HUB_WEIGHTS
from vitrine.parsing import file_bytes, shared_parser
from xai_core.errors import DataError, ModelError
from xai_core.jobs.folders import private_folder
from xai_core.labels import MAX_BYTES
from xai_core.scores import sides_of
from xai_core.services.parsing.questions.read_labels import ReadLabels
from xai_core.types import ModelSource

MAX_PACKED_BYTES = 1 << 30
Labels = str | os.PathLike[str] | Sequence[str] | Mapping[int, str]


def model_source(
    path: str | os.PathLike[str], architecture: str | None
) -> tuple[ModelSource, AbstractContextManager[object]]:
    """Return a model file as a source, and a context to exit once it is no longer needed.

    A folder, of a SavedModel, an ONNX model or a model hub, is packed into a temporary zip file until then. Raises
    ModelError.
    """
    place = Path(path)
    if not place.exists():
        raise ModelError(f"There is no model file called {place.name}.")
    if not place.is_dir():
        return _source(place.resolve(), place.name, architecture), nullcontext()
    if not any(chain(place.glob("*.onnx"), place.rglob("saved_model.pb"), place.glob("config.json"))):
        raise ModelError(
            f"The folder {place.name} contains no SavedModel, no .onnx file and no config.json. Name the model file "
            "itself."
        )
    folder = tempfile.TemporaryDirectory(dir=private_folder("model"))
    try:
        packed = Path(folder.name) / "model.zip"
        pack(place, packed)
        return _source(packed, place.name, architecture), folder
    except BaseException:
        folder.cleanup()
        raise


def class_labels(labels: Labels, classes: int, background: bool = False, both_sides: bool = False) -> tuple[str, ...]:
    """Return K names from a txt, json or csv file, a sequence, or a mapping from class index to name.

    Raises DataError if they do not fit the model.
    background: whether a first name for the background may be omitted. both_sides: whether one name is enough, as for
    the two sides of a single output.
    """
    if isinstance(labels, str | os.PathLike):
        return labels_in(Path(labels), classes, background, both_sides)
    names = sides_of(all_labels(labels)) if both_sides else all_labels(labels)
    if len(names) != classes:
        raise DataError(f"The model has {classes} classes and needs one label for each; got {len(names)} labels.")
    return names


def all_labels(labels: Labels) -> tuple[str, ...]:
    """Return the names from a txt, json or csv file, a sequence, or a mapping from class index to name.

    Raises DataError if they cannot be read.
    """
    return labels_in(Path(labels)) if isinstance(labels, str | os.PathLike) else label_names(labels)


def label_names(labels: Sequence[str] | Mapping[int, str]) -> tuple[str, ...]:
    """Return the names of a sequence, or of a mapping from class index to name, in index order.

    Raises DataError unless a mapping numbers the classes from 0, and every class has a name.
    """
    count = len(labels)
    if isinstance(labels, Mapping) and set(labels) != set(range(count)):
        numbers = ", ".join(map(repr, list(labels)[:5]))
        raise DataError(f"Number the labels from 0 to {count - 1}, each once, as the classes are; got {numbers}.")
    names = [labels[index] for index in range(count)]
    if unnamed := [name for name in names if not isinstance(name, str) or not name]:
        raise DataError(f"Every class needs a name, as text; got {unnamed[0]!r}.")
    return tuple(names)


def labels_in(
    path: Path, classes: int | None = None, background: bool = False, both_sides: bool = False
) -> tuple[str, ...]:
    """Return the names in a label file, read in the sandbox; DataError if it cannot be read or does not fit.

    classes: the number of classes to check against, or None. background, both_sides: as for `class_labels`.
    """
    return shared_parser().ask(ReadLabels(label_bytes(path), classes, path.name, background, both_sides))


def label_bytes(path: Path) -> bytes:
    """Return the bytes of a label file, up to just over the size limit; DataError if it cannot be read."""
    return file_bytes(path, "label file", MAX_BYTES)


def write_files(folder: str | os.PathLike[str], files: Mapping[str, bytes], source: Path | None = None) -> list[Path]:
    """Write files by name into a folder, created if missing, and return their paths; DataError if that fails.

    source: a file that is never overwritten; the one that would replace it is left out.
    """
    place = Path(folder)
    files = {name: data for name, data in files.items() if source is None or (place / name).resolve() != source}
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (place / name).write_bytes(data)
    except OSError as error:
        raise DataError(f"The folder {place.name} cannot be written: {error.strerror}.") from error
    return [place / name for name in files]


def digest_of(path: Path, name: str = "") -> str:
    """Return the SHA-256 of a file in hexadecimal; ModelError if it cannot be read. name: for the error."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"The file {name or path.name} cannot be read.") from error


def pack(folder: Path, packed: Path, pattern: str = "*") -> None:
    """Pack a folder's files of a pattern as a zip that depends on nothing else; ModelError if they are too large."""
    hub = _files_of_hub(folder) if pattern == "*" else []
    files = hub or [file for file in sorted(folder.rglob(pattern)) if _belongs(file, folder)]
    if sum(file.stat().st_size for file in files) > MAX_PACKED_BYTES:
        raise ModelError(f"The folder {folder.name} holds more than {MAX_PACKED_BYTES >> 30} GB; give the model alone.")
    with zipfile.ZipFile(packed, "w") as archive:
        for file in files:
            info = zipfile.ZipInfo(file.relative_to(folder).as_posix())  # without a time, for the digest
            with file.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)


def _files_of_hub(folder: Path) -> list[Path]:
    """Return what a folder of a model hub needs, without copies of its weights in other formats; [] for others."""
    files = [file for file in sorted(folder.iterdir()) if _belongs(file, folder)]
    names = {file.name for file in files}
    weights = next((name for name in HUB_WEIGHTS if name in names), None)
    if weights is None or "config.json" not in names or "saved_model.pb" in names:
        return []
    ending = ".safetensors" if ".safetensors" in weights else ".bin"
    return [file for file in files if file.suffix in (".json", ending)]


def _belongs(file: Path, folder: Path) -> bool:
    """Whether a path is a file of a folder: no link, except into the files of the Hugging Face cache beside it."""
    if not file.is_file():
        return False
    return not file.is_symlink() or file.resolve().parent == folder.resolve().parent.parent / "blobs"


def _source(path: Path, name: str, architecture: str | None) -> ModelSource:
    return ModelSource(str(path), name, digest_of(path, name), architecture)
