"""Runs: a question asked of one picture, started once and kept while the tab lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ui import session
from ui.question import Question
from xai_core.jobs.base import Job
from xai_core.method import Method
from xai_core.picture_files import Picture
from xai_core.preparation import Prepared
from xai_core.types import Estimate, Floats, Indices


@dataclass(frozen=True, eq=False)
class Run:
    """One picture's explanation, running or done."""

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


def runs_for(
    prepared: Prepared, pictures: Sequence[Picture], question: Question, *, start: bool, again: bool
) -> list[Run]:
    """Return the runs that answer a question.

    start: begin those that were not yet begun; others are left out. again: begin those anew that did not finish.
    Runs that answer another question are cancelled; what they finished stays.
    """
    space = session.workspace()
    keys = [_key(prepared, p, question) for p in pictures]
    space.drop_unfinished(but=() if again else keys)
    found = []
    for picture, key in zip(pictures, keys, strict=True):
        if (start or again) and key not in space.runs:
            space.remember(key, _submit(prepared, picture, question))
        if key in space.runs:
            targets = question.targets[picture.digest]
            row = question.probabilities[picture.digest]
            found.append(Run(prepared, picture, question.method, targets, row, space.runs[key]))
    return found


def _key(prepared: Prepared, picture: Picture, question: Question) -> tuple[object, ...]:
    targets = tuple(question.targets[picture.digest].tolist())
    return prepared.source, prepared.preprocessing, picture.digest, question.method, targets


def _submit(prepared: Prepared, picture: Picture, question: Question) -> Job[Estimate]:
    image = prepared.preprocessing.place(picture.pixels)
    targets = question.targets[picture.digest]
    return session.runner().explain(prepared.source, prepared.preprocessing, question.method, image, targets)
