"""The models, pictures, predictions and training histories that come with Vitrine, as listed in samples.json."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vitrine.folders import built_samples_folder, samples_folder
from xai_core.bias.predictions import Predictions
from xai_core.labels import read_labels
from xai_core.pictures.files import Picture, open_picture
from xai_core.pictures.known_photos import KnownPhoto
from xai_core.training.history import History
from xai_core.types import ModelSource

COLOURED_DIGITS_TITLE = "Coloured digits"
COLOURED_DIGITS_NOTE = (
    "A small network learned digits whose ink was red for 0 to 4 and green for 5 to 9 in 95 of 100 pictures; here the "
    "ink says nothing. Made by samples/bias/coloured_digits.py from MNIST (LeCun, Cortes, Burges 1998)."
)


@dataclass(frozen=True)
class SampleModel:
    """A model to start with; `note` describes it in a sentence."""

    title: str
    framework: str
    path: Path
    note: str

    def source(self) -> ModelSource:
        """Return the sample as a source shared by all owners."""
        return ModelSource(str(self.path), self.path.name, _digest(self.path))


@dataclass(frozen=True)
class TrueBox:
    """A ground-truth box: left, top, right, bottom in pixels, and the name of the object in it."""

    corners: tuple[int, int, int, int]
    label: str


@dataclass(frozen=True)
class Scene:
    """A picture that a sample detector was not trained on, with its ground-truth boxes."""

    title: str
    path: Path
    boxes: tuple[TrueBox, ...]

    def picture(self) -> Picture:
        return open_picture(self.path)


@dataclass(frozen=True)
class SampleDetector:
    """A detector to start with; `note` describes it in a sentence, `labels` name its classes in order."""

    title: str
    framework: str
    path: Path
    note: str
    labels: tuple[str, ...]
    scenes: tuple[Scene, ...]

    def source(self) -> ModelSource:
        """Return the sample as a source shared by all owners."""
        return ModelSource(str(self.path), self.path.name, _digest(self.path), task="detect")


@dataclass(frozen=True)
class SampleHistory:
    """A network's predictions for the same pictures after each epoch; `note` describes it in a sentence."""

    title: str
    path: Path
    note: str

    def history(self) -> History:
        """Return the history under the sample's title."""
        from xai_core.training.reading import read_history  # imports pandas, which most of the app does not need

        return read_history(self.path.read_bytes(), self.title)


def sample_models() -> tuple[SampleModel, ...]:
    """Return the sample models that have been built."""
    folder = built_samples_folder() / "models"
    models = (SampleModel(e["title"], e["framework"], folder / e["file"], e["note"]) for e in _listed()["models"])
    return tuple(model for model in models if model.path.exists())


def sample_detectors() -> tuple[SampleDetector, ...]:
    """Return the sample detectors, each with its scenes; they come with the code and are not built."""
    return _detectors(samples_folder())


def sample_histories() -> tuple[SampleHistory, ...]:
    """Return the sample histories; they come with the code and are not built."""
    histories = (SampleHistory(e["title"], samples_folder() / e["file"], e["note"]) for e in _listed()["histories"])
    return tuple(history for history in histories if history.path.exists())


def sample_photos() -> tuple[KnownPhoto, ...]:
    """Return the sample photos that have been built, with their correct ImageNet classes."""
    folder = built_samples_folder() / "pictures"
    photos = (KnownPhoto(e["title"], folder / e["file"], tuple(e.get("classes", ()))) for e in _listed()["pictures"])
    return tuple(photo for photo in photos if photo.path.exists())


def sample_predictions() -> Predictions:
    """Return the predictions of a network that relies on ink colour; the attribute is called colour."""
    return _predictions(coloured_digits())


def coloured_digits() -> Path:
    """Return the file that the sample predictions are read from."""
    return samples_folder() / "bias" / "coloured_digits.npz"


def _listed() -> dict[str, list[dict[str, Any]]]:
    return _read_list(samples_folder() / "samples.json")


@cache
def _read_list(path: Path) -> dict[str, list[dict[str, Any]]]:
    listed: dict[str, list[dict[str, Any]]] = json.loads(path.read_text("utf-8"))
    return listed


@cache
def _predictions(path: Path) -> Predictions:
    from xai_core.bias.reading import read_predictions  # imports pandas, which most of the app does not need

    return read_predictions(path.read_bytes(), COLOURED_DIGITS_TITLE)


@cache
def _detectors(samples: Path) -> tuple[SampleDetector, ...]:
    entries = ((samples / entry["folder"], entry) for entry in _read_list(samples / "samples.json")["detectors"])
    return tuple(_detector(folder, entry) for folder, entry in entries if (folder / entry["file"]).exists())


def _detector(folder: Path, entry: dict[str, Any]) -> SampleDetector:
    labels = read_labels((folder / entry["labels"]).read_bytes())
    scenes = tuple(_scene(folder, e) for e in json.loads((folder / entry["scenes"]).read_text("utf-8")))
    return SampleDetector(entry["title"], entry["framework"], folder / entry["file"], entry["note"], labels, scenes)


def _scene(folder: Path, entry: dict[str, Any]) -> Scene:
    boxes = tuple(TrueBox(tuple(box["corners"]), box["label"]) for box in entry["boxes"])
    return Scene(entry["title"], folder / entry["file"], boxes)


@cache
def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
