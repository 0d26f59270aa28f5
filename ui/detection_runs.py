"""Runs on boxes: a method that is asked about some boxes of a picture, started once and kept while the tab lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ui import session
from ui.detection_boxes import Scene
from xai_core.detection.method import DetectionMethod
from xai_core.detector import BoxTarget
from xai_core.jobs.base import Job
from xai_core.picture_files import Picture
from xai_core.types import Conditions, Estimate


@dataclass(frozen=True, eq=False)
class BoxRun:
    """One method's explanation of some boxes, running or done. numbers: of the boxes, counted from 1."""

    scene: Scene
    method: DetectionMethod
    numbers: tuple[int, ...]
    job: Job[Estimate]

    @property
    def picture(self) -> Picture:
        """The picture that it is about."""
        return self.scene.picture

    @property
    def targets(self) -> tuple[BoxTarget, ...]:
        """The boxes that are explained."""
        return self.scene.targets(self.numbers)

    @property
    def place(self) -> str:
        """A name for where this run is shown, the same for every question to this method about the picture."""
        return f"{self.scene.place}.{self.method.id}"


def box_runs(
    scene: Scene, methods: Sequence[DetectionMethod], numbers: tuple[int, ...], *, start: bool, again: bool
) -> list[BoxRun]:
    """Return the runs that answer a question about boxes, by method.

    start: begin those that were not yet begun; others are left out. again: begin those anew that did not finish.
    Runs that answer another question are cancelled; what they finished stays.
    """
    slot = session.workspace().detector
    targets = scene.targets(numbers)
    keys = [_key(scene, method, targets) for method in methods] if numbers else []
    slot.drop_unfinished(but=() if again else keys)
    found = []
    for method, key in zip(methods, keys, strict=False):
        if (start or again) and key not in slot.runs:
            slot.remember(key, _submit(scene, method, targets))
        if key in slot.runs:
            found.append(BoxRun(scene, method, numbers, slot.runs[key]))
    return found


def _key(scene: Scene, method: DetectionMethod, targets: tuple[BoxTarget, ...]) -> session.Key:
    return scene.prepared.source, scene.prepared.precision, scene.picture.digest, method, targets


def _submit(scene: Scene, method: DetectionMethod, targets: tuple[BoxTarget, ...]) -> Job[Estimate]:
    conditions = Conditions(scene.prepared.precision)
    return session.runner().explain_boxes(scene.prepared.source, method, scene.image, targets, conditions)
