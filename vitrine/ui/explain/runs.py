"""Runs: a question asked of one picture, started once and kept while the tab lives; and further jobs that check it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrine.ui import session
from vitrine.ui.explain.question import Question
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.jobs.base import Job
from xai_core.jobs.questions.explain import Explain
from xai_core.method import Method
from xai_core.pictures.files import Picture
from xai_core.pictures.overlays import Look, overlay
from xai_core.services.preparation import Prepared
from xai_core.types import Conditions, Estimate, Floats, Indices


@dataclass(frozen=True, eq=False)
class Run:
    """One picture's explanation, running or done."""

    key: session.Key
    prepared: Prepared
    picture: Picture
    method: Method
    targets: Indices
    probabilities: Floats
    job: Job[Estimate]

    @property
    def place(self) -> str:
        """A name for where this run is shown, the same for every question about the picture."""
        return f"{self.prepared.source.digest[:12]}.{self.picture.digest[:12]}"

    @property
    def names(self) -> tuple[str, ...]:
        """What the targets are called."""
        return tuple(self.prepared.labels[int(target)] for target in self.targets)

    @property
    def checks(self) -> dict[str, Job[Estimate]]:
        """The jobs that check this run, by the name of the check."""
        return session.slot(ClassifierSlot).checks.setdefault(self.key, {})

    @property
    def slot(self) -> ClassifierSlot:
        """What the tab holds of the model."""
        return session.slot(ClassifierSlot)

    @property
    def cost_in_words(self) -> str:
        """What computing the map once more costs, where that is known."""
        return ""

    @property
    def busy(self) -> bool:
        """Whether this run or a check of it has not ended."""
        return not all(job.state.ended for job in (self.job, *self.checks.values()))

    def check(self, name: str, method: Method | None = None, **conditions: object) -> None:
        """Begin a job for the same picture and targets, another method or other conditions; one of its name ends."""
        if name in self.checks:
            self.checks.pop(name).cancel()
        changed = replace(Conditions(self.prepared.precision), **conditions)  # type: ignore[arg-type]
        self.checks[name] = _explain(self.prepared, self.picture, method or self.method, self.targets, changed)

    def overlay(self, position: int, heatmap: Floats, look: Look, longest: int) -> NDArray[np.uint8]:
        """Return what the model sees, about `longest` pixels a side, with a map of one target over it."""
        return overlay(self.prepared.preprocessing.view(self.picture.pixels, longest), heatmap, look)


def runs_for(
    prepared: Prepared, pictures: Sequence[Picture], question: Question, *, start: bool, again: bool
) -> list[Run]:
    """Return the runs that answer a question.

    start: begin those that were not yet begun; others are left out. again: begin those anew that did not finish.
    Runs that answer another question are cancelled; what they finished stays.
    """
    slot = session.slot(ClassifierSlot)
    start, slot.asked_to_run = start or again or slot.asked_to_run == question.method.id, ""
    keys = [_key(prepared, p, question) for p in pictures]
    slot.drop_unfinished(but=() if again else keys)
    found = []
    for picture, key in zip(pictures, keys, strict=True):
        if start and key not in slot.runs:
            slot.remember(key, _submit(prepared, picture, question))
        if key in slot.runs:
            targets = question.targets[picture.digest]
            row = question.probabilities[picture.digest]
            found.append(Run(key, prepared, picture, question.method, targets, row, slot.runs[key]))
    return found


def _key(prepared: Prepared, picture: Picture, question: Question) -> session.Key:
    targets = tuple(question.targets[picture.digest].tolist())
    return (
        prepared.source,
        prepared.preprocessing,
        prepared.precision,
        picture.digest,
        question.method,
        targets,
    )


def _submit(prepared: Prepared, picture: Picture, question: Question) -> Job[Estimate]:
    targets = question.targets[picture.digest]
    return _explain(prepared, picture, question.method, targets, Conditions(prepared.precision))


def _explain(
    prepared: Prepared, picture: Picture, method: Method, targets: Indices, conditions: Conditions
) -> Job[Estimate]:
    image = prepared.preprocessing.place(picture.pixels)
    question = Explain(prepared.preprocessing, method, image, targets, conditions)
    return session.runner().ask(prepared.source, question)
