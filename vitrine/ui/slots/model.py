"""The model that a tab holds, the progress of opening it, and its answers."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from vitrine.ui import session, uploads
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.drawing.memo import Memo
from vitrine.ui.session import Key
from xai_core.errors import ChooseEntry
from xai_core.jobs.base import Job, Status
from xai_core.model_code import ModelCode
from xai_core.types import Engine, Estimate, ModelSource

KEPT_RUNS = 64
Ready = TypeVar("Ready")


@dataclass
class ModelSlot(Generic[Ready]):
    """A model that a tab holds, the progress of opening it, and the runs that explain its answers.

    standby: the previous model, until the new one is ready. refused: the file that could not be opened, if the
    previous model took its place. asked_to_run: the method whose Run was pressed, "" for none.
    worked_out: values computed from a job's answer, by job. code: what the next model is opened with. entries: what
    the code offered last.
    """

    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    source: ModelSource | None = None
    opening: Job[Ready] | None = None
    prepared: Ready | None = None
    standby: tuple[ModelSource, Ready] | None = None
    refused: ModelSource | None = None
    runs: OrderedDict[Key, Job[Estimate]] = field(default_factory=OrderedDict)
    checks: dict[Key, dict[str, Job[Estimate]]] = field(default_factory=dict)
    engines: dict[Key, Job[tuple[Engine, ...]]] = field(default_factory=dict)
    asked_to_run: str = ""
    worked_out: WeakKeyDictionary[object, Memo] = field(default_factory=WeakKeyDictionary)
    view: ViewerState | None = None
    models_uploaded: int = 0
    code: ModelCode | None = None
    codes_uploaded: int = 0
    entries: ChooseEntry | None = None

    def remember(self, key: Key, job: Job[Estimate]) -> None:
        """Keep a run; drop the oldest when there are too many."""
        self.runs[key] = job
        while len(self.runs) > KEPT_RUNS:
            self._forget(next(iter(self.runs)))

    def once(self, job: object, key: object, work_out: Callable[[], Any]) -> Any:
        """Return a value computed from a finished job's answer, computed on first use."""
        return self.worked_out.setdefault(job, Memo()).once(key, work_out)

    def make_room(self, source: ModelSource) -> None:
        """Put the file to be opened in the model's place; the model stands by in case the file is refused."""
        self.stop()
        present, before, refused = self.source, self.standby, self.refused
        if present is not None and self.prepared is not None:
            self.standby = (present, self.prepared)
        self.source, self.prepared, self.refused = source, None, None
        self._remove(present, refused, before and before[0], kept=self._here())

    def settle(self) -> bool:
        """Take the outcome of the opening; return whether a new model is open."""
        state = self.opening.state if self.opening else None
        if self.prepared is not None or state is None or not state.ended:
            return False
        if state.latest is not None and state.status is Status.DONE:
            before, self.prepared, self.standby = self.standby, state.latest, None
            self._remove(before and before[0], kept=self._here())
            return True
        if self.standby is None:
            return False
        self.refused = self.source
        (self.source, self.prepared), self.standby = self.standby, None
        return True

    def leave(self) -> None:
        """Stop the model, and free its process and all files of this tab."""
        self.stop()
        uploads.forget(self.owner)

    def stop(self) -> None:
        """Stop the current model, and free its process."""
        if self.opening is not None:
            self.opening.cancel()
        self.drop_unfinished(but=())
        for engines in self.engines.values():
            engines.cancel()
        self.engines.clear()
        if self.source is not None and self.source.owner == self.owner:
            session.runner().release(self.owner)

    def _here(self) -> set[str]:
        """Return the paths of all models, and of their code, that may still be used."""
        sources = (self.source, self.refused, self.standby and self.standby[0])
        kept = {path for source in sources if source is not None for path in _paths(source)}
        return kept | ({self.code.path} if self.code else set())

    def _remove(self, *sources: ModelSource | None, kept: Collection[str]) -> None:
        """Remove the model files that this tab uploaded, except those at the paths in `kept`."""
        for source in sources:
            if source is not None and source.owner == self.owner:
                for path in set(_paths(source)) - set(kept):
                    Path(path).unlink(missing_ok=True)

    def drop_unfinished(self, but: Collection[Key]) -> None:
        """Cancel and forget unfinished runs and checks, except those whose keys are in `but`."""
        for key in [k for k, job in self.runs.items() if k not in but and job.state.status is not Status.DONE]:
            self._forget(key)
        for key, checks in self.checks.items():
            for kind in [k for k, job in checks.items() if key not in but and job.state.status is not Status.DONE]:
                checks.pop(kind).cancel()

    def drop(self, job: Job[Estimate]) -> None:
        """Forget one run, so that it starts again."""
        for key in [k for k, kept in self.runs.items() if kept is job]:
            self._forget(key)

    def _forget(self, key: Key) -> None:
        for job in (self.runs.pop(key), *self.checks.pop(key, {}).values()):
            job.cancel()


def _paths(source: ModelSource) -> list[str]:
    return [source.path, *([source.code.path] if source.code else [])]
