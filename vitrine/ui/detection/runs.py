"""Runs on boxes: a method that is asked about some boxes of a picture, started once and kept while the tab lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.ui import session
from vitrine.ui.detection.boxes import Scene
from vitrine.ui.slots.detector import DetectorSlot
from xai_core.detection.cost import Cost
from xai_core.detection.method import DetectionMethod
from xai_core.detection.pictures import at_size, outlined, shrunk
from xai_core.detector import BoxTarget
from xai_core.jobs.base import Job
from xai_core.jobs.questions.explain_boxes import ExplainBoxes
from xai_core.pictures.files import Picture
from xai_core.pictures.overlays import Look, overlay
from xai_core.types import Conditions, Estimate, Floats

LONG_SECONDS = 20.0  # what takes longer is begun by a person, who has seen what it costs
BY_ITSELF = f"What takes longer than about {LONG_SECONDS:.0f} s waits until you press its button."


@dataclass(frozen=True, eq=False)
class BoxQuestion:
    """A method and the boxes that it is asked about. numbers: of the boxes, counted from 1."""

    scene: Scene
    method: DetectionMethod
    numbers: tuple[int, ...]

    @property
    def targets(self) -> tuple[BoxTarget, ...]:
        """The boxes that are explained."""
        return self.scene.targets(self.numbers)

    @property
    def conditions(self) -> Conditions:
        """The conditions under which the method is asked; equal where the answer is the same."""
        prepared = self.scene.prepared
        return Conditions(self.method.precision_on(prepared.card, prepared.precision))

    @property
    def key(self) -> session.Key:
        """What no other question shares."""
        scene = self.scene
        return scene.prepared.source, self.conditions, scene.picture.digest, self.method, self.targets

    @property
    def place(self) -> str:
        """A name for where this is shown, the same for every question to this method about the picture."""
        return f"{self.scene.place}.{self.method.id}"

    @property
    def cost(self) -> Cost:
        """What the answer costs."""
        return self.scene.cost_of(self.method)

    def begin(self) -> None:
        """Begin to answer it."""
        self.slot.remember(self.key, self.job_of(self.method, self.conditions))

    def job_of(self, method: DetectionMethod, conditions: Conditions) -> Job[Estimate]:
        """Return a new job that asks a method about these boxes."""
        scene = self.scene
        question = ExplainBoxes(method, scene.image, self.targets, conditions)
        return session.runner().ask(scene.prepared.source, question)

    @property
    def slot(self) -> DetectorSlot:
        """What the tab holds of the detector."""
        return session.slot(DetectorSlot)


@dataclass(frozen=True, eq=False)
class BoxRun(BoxQuestion):
    """One method's explanation of some boxes, running or done."""

    job: Job[Estimate]

    @property
    def picture(self) -> Picture:
        """The picture that it is about."""
        return self.scene.picture

    @property
    def names(self) -> tuple[str, ...]:
        """What the boxes are called."""
        return tuple(self.scene.name_of(number) for number in self.numbers)

    @property
    def checks(self) -> dict[str, Job[Estimate]]:
        """The jobs that check this run, by the name of the check."""
        return self.slot.checks.setdefault(self.key, {})

    @property
    def busy(self) -> bool:
        """Whether this run or a check of it has not ended."""
        return not all(job.state.ended for job in (self.job, *self.checks.values()))

    @property
    def cost_in_words(self) -> str:
        """What computing the maps once more costs."""
        return self.cost.in_words

    def check(self, name: str, method: DetectionMethod) -> None:
        """Begin a job for the same boxes with another method; one of its name ends."""
        if name in self.checks:
            self.checks.pop(name).cancel()
        self.checks[name] = self.job_of(method, self.conditions)

    def overlay(self, position: int, heatmap: Floats, look: Look, longest: int) -> NDArray[np.uint8]:
        """Return the picture, no side longer than `longest` pixels, with a map of one box and its outline over it."""
        photo = shrunk(self.scene.photo, longest)
        corners = at_size(self.targets[position].array, self.scene.photo.shape[:2], photo.shape[:2])
        return outlined(overlay(photo, heatmap, look), corners)


def box_questions(scene: Scene, methods: Sequence[DetectionMethod], numbers: tuple[int, ...]) -> list[BoxQuestion]:
    """Return what each of the methods is asked about some boxes; nothing where there are none."""
    return [BoxQuestion(scene, method, numbers) for method in methods] if numbers else []


def box_runs(questions: Sequence[BoxQuestion], *, start: bool, again: bool) -> list[BoxRun]:
    """Return the runs that answer questions about boxes.

    start: begin those that were not yet begun, but for those whose cost is large; others are left out. again: begin all
    of them, those that did not finish anew. Runs that answer another question are cancelled; what they finished stays.
    """
    slot = session.slot(DetectorSlot)
    wanted, slot.asked_to_run = slot.asked_to_run, ""
    slot.drop_unfinished(but=() if again else [one.key for one in questions])
    for one in questions:
        due = again or wanted == one.method.id or (start and not _is_long(one.cost))
        if due and one.key not in slot.runs:
            one.begin()
    runs = slot.runs
    return [BoxRun(one.scene, one.method, one.numbers, runs[one.key]) for one in questions if one.key in runs]


def _is_long(cost: Cost) -> bool:
    """Whether a person is asked first; not for a single detection, for which they have waited already."""
    return cost.detections > 1 and cost.seconds > LONG_SECONDS
