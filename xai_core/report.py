"""A result as files, with everything needed to reproduce it: the map, its picture and a manifest."""

from __future__ import annotations

import io
import json
import math
import platform
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from xai_core import __version__
from xai_core.filter import Filter
from xai_core.method import Catalogued, Method
from xai_core.pictures.files import Picture
from xai_core.pictures.overlays import Look, overlay, png_bytes
from xai_core.pictures.overlays import Picture as Pixels
from xai_core.preprocessing import Preprocessing
from xai_core.scores import IN_WORDS, THRESHOLD, has_probabilities, is_multi_label, predicted
from xai_core.trust.honesty import Finding, warnings
from xai_core.types import Card, Estimate, Floats, Indices, ModelSource, Precision
from xai_core.versions import OF_FRAMEWORK, OWN, installed

SCORES_LISTED = 5
LONGEST_NAME = 60  # characters, so that a warning still ends in its advice


@dataclass(frozen=True, eq=False, kw_only=True)
class Report(ABC):
    """A result and where it came from, for any kind of model; a subclass adds the question.

    labels: a name for each class. estimate: the method's result, before the filters. seconds: how long the method
    ran. precision: the one chosen for the passes through the model.
    """

    source: ModelSource
    card: Card
    labels: tuple[str, ...]
    picture: Picture
    method: Catalogued
    estimate: Estimate
    seconds: float
    precision: Precision = "float32"
    filters: tuple[Filter, ...] = ()
    look: Look = field(default_factory=Look)

    @cached_property
    def maps(self) -> Floats:
        """The attribution of each target after the filters, (T, H, W) float32, signed."""
        maps = self.estimate.maps
        for step in self.filters:
            maps = step.apply(maps)
        return self.placed(np.asarray(maps, np.float32))

    def manifest(self) -> dict[str, Any]:
        """Return everything but the map as plain JSON values."""
        return {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "method": self.method.id,
            "parameters": self.method.values(),
            "filters": [{"filter": step.id, "parameters": step.values()} for step in self.filters],
            **self.question_and_answer(),
            "diagnostics": {name: _finite(values) for name, values in self.estimate.diagnostics.items()},
            "notes": list(self.estimate.notes),
            "warnings": list(self.warnings),
            "precision": self.method.precision_on(self.card, self.precision),
            "seconds": round(self.seconds, 3),
            "model": self._model(),
            "picture": {"name": self.picture.name, "notes": list(self.picture.notes)},
            "digests": {"model": self.source.digest, "picture": self.picture.digest, **self._digest_of_code()},
            "versions": versions(self.card.framework),
        }

    def files(self) -> dict[str, bytes]:
        """Return the files by name: attribution.npy (H, W), overlay.png and manifest.json.

        With several targets, the names of the second and later ones contain their number. The standard error, if any,
        is in standard_error.npy.
        """
        files = {}
        for position, number in enumerate(self.target_numbers()):
            ending = "" if position == 0 else f"-{number}"
            files[f"attribution{ending}.npy"] = _npy_bytes(self.maps[position])
            files[f"overlay{ending}.png"] = png_bytes(self.overlay(position))
            if self.estimate.standard_error is not None:
                files[f"standard_error{ending}.npy"] = _npy_bytes(self.estimate.standard_error[position])
        return files | {"manifest.json": json_bytes(self.manifest())}

    def placed(self, maps: Floats) -> Floats:
        """Return filtered maps (T, H, W) as they are displayed; a subclass may hide parts."""
        return maps

    @property
    @abstractmethod
    def warnings(self) -> tuple[str, ...]:
        """What readers should know before reading the maps, as sentences."""

    @abstractmethod
    def question_and_answer(self) -> dict[str, Any]:
        """Return the question and the model's answer, as plain JSON values."""

    @abstractmethod
    def target_numbers(self) -> Sequence[int]:
        """Return the number of each target as users see it."""

    @abstractmethod
    def photo(self) -> Pixels:
        """Return the picture (h, w, 3) as it lies under the maps."""

    @abstractmethod
    def overlay(self, position: int) -> Pixels:
        """Return the picture (h, w, 3) with the map of one target drawn over it."""

    def _model(self) -> dict[str, Any]:
        card = self.card
        return {
            "name": self.source.name,
            "framework": card.framework,
            "format": card.format,
            "architecture": card.architecture,
            **({"code": self.source.code.name} if self.source.code else {}),
        }

    def _digest_of_code(self) -> dict[str, str]:
        return {"code": self.source.code.digest} if self.source.code else {}


@dataclass(frozen=True, eq=False, kw_only=True)
class Explanation(Report):
    """The explanation of a classifier's classes for one picture.

    targets: (T,) class indices. probabilities: (K,) of the picture, in the order of `labels`; for outputs that are
    numbers or similarities, these. threshold: the probability from which a class is predicted, where several may be.
    references: names of the pictures that an embedding is compared with. channel: the only one that is explained, from
    0; None for all.
    """

    method: Method
    preprocessing: Preprocessing
    targets: Indices
    probabilities: Floats
    threshold: float = THRESHOLD
    references: tuple[str, ...] = ()
    channel: int | None = None

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What readers should know before reading the maps, as sentences."""
        height, width = self.picture.pixels.shape[:2]
        finding = Finding(
            method=self.method,
            card=self.card,
            estimate=self.estimate,
            image=self.picture.placed(self.preprocessing),
            picture_size=(height, width),
            probabilities=self.probabilities,
            targets=self.targets,
            names=tuple(self.labels[int(target)][:LONGEST_NAME] for target in self.targets),
        )
        return warnings(finding)

    def question_and_answer(self) -> dict[str, Any]:
        """Return the explained classes and the best scores."""
        return {
            "target": int(self.targets[0]),
            "targets": [self._score(int(target)) for target in self.targets],
            "scores": [self._score(int(n)) for n in np.argsort(-self.probabilities)[:SCORES_LISTED]],
            "preprocessing": self.preprocessing.to_json(),
            **self._reading(),
        }

    def target_numbers(self) -> Sequence[int]:
        """Return the index of each class."""
        return [int(target) for target in self.targets]

    def photo(self) -> Pixels:
        """Return what the model sees of the picture."""
        return self.preprocessing.view(self.picture.pixels)

    def overlay(self, position: int) -> Pixels:
        """Return the part of the picture the model saw, with the map of one class drawn over it."""
        return overlay(self.photo(), self.maps[position], self.look)

    def _reading(self) -> dict[str, Any]:
        """Return how the outputs were read, where that is not one class of several."""
        reading: dict[str, Any] = {"outputs": IN_WORDS[self.card.head]}
        if is_multi_label(self.card) or self.card.both_sides:
            classes = predicted(self.probabilities, self.card, self.threshold)
            reading |= {"threshold": self.threshold, "predicted": [self._score(n) for n in classes]}
        if self.references:
            reading |= {"outputs": IN_WORDS["similarity"], "references": list(self.references)}
        if self.channel is not None:
            reading |= {"channel": self.channel + 1}
        return reading

    def _score(self, index: int) -> dict[str, Any]:
        name = "probability" if has_probabilities(self.card) else "value"
        return {"index": index, "label": self.labels[index], name: float(self.probabilities[index])}


def save(report: Report, folder: Path) -> list[Path]:
    """Write the files of a report into a folder, creating it if needed; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, data in report.files().items():
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    return paths


def as_zip(report: Report) -> bytes:
    """Return the files of a report as one zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in report.files().items():
            archive.writestr(name, data)
    return buffer.getvalue()


def versions(framework: str) -> dict[str, str]:
    """Return the versions of Vitrine, Python, the core's packages and a framework's, without importing any of them."""
    own = {"vitrine": __version__, "python": platform.python_version()}
    return own | installed((*OWN, *OF_FRAMEWORK.get(framework, ())))


def json_bytes(values: Any) -> bytes:
    """Encode plain values as readable JSON."""
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False).encode()


def _npy_bytes(heatmap: Floats) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(heatmap, np.float32), allow_pickle=False)
    return buffer.getvalue()


def _finite(values: tuple[float | None, ...]) -> list[float | None]:
    return [None if value is None or not math.isfinite(value) else float(value) for value in values]
