"""What a command reads: a model, pictures, labels."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from model_adapters.onnx.detection.readings import Reading
from vitrine.cli.progress import tell
from vitrine.samples import sample_photos
from xai_core.errors import DataError, ImageError, ModelError, VitrineError
from xai_core.jobs.base import Runner
from xai_core.labels import MAX_BYTES as MAX_LABEL_BYTES
from xai_core.labels import read_labels
from xai_core.pictures.files import Picture, open_picture
from xai_core.pictures.known_photos import KnownPhoto
from xai_core.services.detector_preparation import PreparedDetector, prepared_detector, read_detector_labels
from xai_core.services.preparation import Prepared, opened, prepare
from xai_core.types import Capability, ModelSource

MAX_PACKED_BYTES = 1 << 30


def add_model(parser: ArgumentParser) -> None:
    """Add the model, and the flags that overrule what is found out about it."""
    _add_file(parser)
    parser.add_argument("--preprocessing", metavar="P", help='a preset such as "-1..1" or "imagenet", or a JSON file')


def add_detector(parser: ArgumentParser) -> None:
    """Add the detector, and the flags that overrule what is found out about it."""
    _add_file(parser)
    add_reading(parser)


def add_reading(parser: ArgumentParser) -> None:
    """Add the flag that says how a detector's outputs are read."""
    names = ", ".join(param.name for param in Reading.params)
    parser.add_argument(
        "--reading",
        metavar="JSON",
        default="",
        help=f"what a detector's file does not say, as JSON: of ONNX how outputs are read, some of {names}; of other "
        'files settings such as {"smallest_side": 640}',
    )


def add_labels(parser: ArgumentParser) -> None:
    """Add the flag for the names of the classes."""
    parser.add_argument("--labels", metavar="FILE", help="names of the classes: txt, json or csv")


@contextmanager
def model_source(text: str, architecture: str | None) -> Iterator[ModelSource]:
    """Give a model file as a source; a folder, such as a SavedModel, is packed into a zip for as long as that takes."""
    path = Path(text)
    if not path.exists():
        raise ModelError(f"There is no model file called {path.name}.")
    if not path.is_dir():
        yield _source(path.resolve(), path.name, architecture)
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-") as folder:
        packed = Path(folder) / "model.zip"
        _pack(path, packed)
        yield _source(packed, path.name, architecture)


@contextmanager
def detector_source(text: str, architecture: str | None, reading: str) -> Iterator[ModelSource]:
    """Give a model file as a source that is opened as a detector."""
    with model_source(text, architecture) as source:
        yield as_detector(source, reading)


def as_detector(source: ModelSource, reading: str) -> ModelSource:
    """Return a source that is opened as a detector, its outputs read in a way that the person chose, or "" for none."""
    return replace(source, task="detect", reading=reading)


def read_pictures(texts: Sequence[str]) -> list[Picture]:
    """Open pictures by path; an error names the picture."""
    return [_picture(Path(text)) for text in texts]


def prepared(
    runner: Runner, source: ModelSource, pictures: Sequence[Picture], chosen: str | None, labels: str | None = None
) -> Prepared:
    """Open a model, find its preprocessing or take the chosen one, and name its classes."""
    found = prepare(runner, source, pictures, _known_photos(), tell, chosen)
    if labels is None:
        return found
    path = Path(labels)
    return replace(found, labels=read_labels(_label_bytes(path), found.card.classes, path.name))


def opened_detector(runner: Runner, source: ModelSource, labels: str | None = None) -> PreparedDetector:
    """Open a detector and name its classes, if it is known how its outputs are read; its card says whether."""
    found = prepared_detector(source, opened(runner, source, tell))
    if labels is None or Capability.DETECT not in found.card.capabilities:
        return found
    path = Path(labels)
    return replace(found, labels=read_detector_labels(_label_bytes(path), found.card.classes, path.name))


def _add_file(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a model file, or a folder with a SavedModel")
    parser.add_argument("--architecture", metavar="NAME", help="of a bare state dict, such as torchvision/resnet18")


def _source(path: Path, name: str, architecture: str | None) -> ModelSource:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"The model file {name} can not be read.") from error
    return ModelSource(str(path), name, digest, architecture)


def _pack(folder: Path, packed: Path) -> None:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink()]
    if sum(file.stat().st_size for file in files) > MAX_PACKED_BYTES:
        raise ModelError(f"The folder {folder.name} holds more than {MAX_PACKED_BYTES >> 30} GB; give the model alone.")
    with zipfile.ZipFile(packed, "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(folder).as_posix())


def _picture(path: Path) -> Picture:
    try:
        return open_picture(path)
    except ImageError as error:
        raise ImageError(str(error) if path.name in str(error) else f"{path.name}: {error}") from error


def _label_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_LABEL_BYTES + 1)
    except OSError as error:
        raise DataError(f"There is no label file called {path.name} that can be read.") from error


def _known_photos() -> Sequence[KnownPhoto]:
    """Return the sample photos, or none where this installation has none."""
    try:
        return sample_photos()
    except (OSError, ValueError, VitrineError):
        return ()
