"""Runs: a question asked of one picture, started once and kept while the tab lives; and further jobs that check it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ui import session
from ui.question import Question
from xai_core.jobs.base import Job
from xai_core.method import Method
from xai_core.picture_files import Picture
from xai_core.preparation import Prepared
from xai_core.types import Conditions, Estimate, Floats, Indices

Key = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Run:
    """One picture's explanation, running or done."""

    key: Key
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
        return session.workspace().checks.setdefault(self.key, {})

    @property
    def busy(self) -> bool:
        """Whether this run or a check of it has not ended."""
        return not all(job.state.ended for job in (self.job, *self.checks.values()))


def runs_for(
    prepared: Prepared, pictures: Sequence[Picture], question: Question, *, start: bool, again: bool
) -> list[Run]:
    """Return the runs that answer a question.

    start: begin those that were not yet begun; others are left out. again: begin those anew that did not finish.
    Runs that answer another question are cancelled; what they finished stays.
    """
    space = session.workspace()
    start, space.asked_to_run = start or again or space.asked_to_run, False
    keys = [_key(prepared, p, question) for p in pictures]
    space.drop_unfinished(but=() if again else keys)
    found = []
    for picture, key in zip(pictures, keys, strict=True):
        if start and key not in space.runs:
            space.remember(key, _submit(prepared, picture, question))
        if key in space.runs:
            targets = question.targets[picture.digest]
            row = question.probabilities[picture.digest]
            found.append(Run(key, prepared, picture, question.method, targets, row, space.runs[key]))
    return found


def check(run: Run, name: str, method: Method | None = None, **conditions: object) -> None:
    """Begin a job for the same picture and targets, with another method or other conditions; one of its name ends."""
    if name in run.checks:
        run.checks.pop(name).cancel()
    changed = replace(Conditions(run.prepared.precision), **conditions)  # type: ignore[arg-type]
    run.checks[name] = _explain(run.prepared, run.picture, method or run.method, run.targets, changed)


def _key(prepared: Prepared, picture: Picture, question: Question) -> Key:
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
    return session.runner().explain(prepared.source, prepared.preprocessing, method, image, targets, conditions)
