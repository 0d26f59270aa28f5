"""The models and pictures that come with Vitrine, as listed in samples/samples.json."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from xai_core.labels import read_labels
from xai_core.pictures.files import Picture, open_picture
from xai_core.training.history import History
from xai_core.types import ModelSource

FOLDER = Path(__file__).resolve().parents[1] / "samples"


@dataclass(frozen=True)
class SampleModel:
    """A model to start with; `note` describes it in a sentence."""

    title: str
    framework: str
    file: str
    note: str

    def source(self) -> ModelSource:
        """Return the sample as a source shared by all owners."""
        path = FOLDER / "models" / self.file
        return ModelSource(str(path), self.file, _digest(path))


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
        return _picture(self.path)


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


@dataclass(frozen=True)
class Reference:
    """A picture with its correct ImageNet classes; `classes` is empty if none fits."""

    title: str
    file: str
    classes: tuple[int, ...] = ()

    def picture(self) -> Picture:
        return _picture(FOLDER / "pictures" / self.file)


@cache
def sample_models() -> tuple[SampleModel, ...]:
    """Return the sample models that have been built."""
    listed = (SampleModel(**entry) for entry in _listed()["models"])
    return tuple(s for s in listed if (FOLDER / "models" / s.file).exists())


@cache
def sample_detectors() -> tuple[SampleDetector, ...]:
    """Return the sample detectors, each with its scenes; they come with the code and are not built."""
    return tuple(_detector(e) for e in _listed()["detectors"] if (FOLDER / e["folder"] / e["file"]).exists())


@cache
def sample_histories() -> tuple[SampleHistory, ...]:
    """Return the sample histories; they come with the code and are not built."""
    listed = (SampleHistory(e["title"], FOLDER / e["file"], e["note"]) for e in _listed()["histories"])
    return tuple(sample for sample in listed if sample.path.exists())


@cache
def references() -> tuple[Reference, ...]:
    """Return the sample pictures that have been built."""
    listed = (Reference(e["title"], e["file"], tuple(e.get("classes", ()))) for e in _listed()["pictures"])
    return tuple(r for r in listed if (FOLDER / "pictures" / r.file).exists())


def _detector(entry: dict[str, Any]) -> SampleDetector:
    folder = FOLDER / entry["folder"]
    labels = read_labels((folder / entry["labels"]).read_bytes())
    scenes = tuple(_scene(folder, e) for e in json.loads((folder / entry["scenes"]).read_text("utf-8")))
    return SampleDetector(entry["title"], entry["framework"], folder / entry["file"], entry["note"], labels, scenes)


def _scene(folder: Path, entry: dict[str, Any]) -> Scene:
    boxes = tuple(TrueBox(tuple(box["corners"]), box["label"]) for box in entry["boxes"])
    return Scene(entry["title"], folder / entry["file"], boxes)


def _listed() -> dict[str, list[dict[str, Any]]]:
    listed: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "samples.json").read_text("utf-8"))
    return listed


@cache
def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _picture(path: Path) -> Picture:
    return open_picture(path)
