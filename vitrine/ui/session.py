"""The only reader and writer of session state, and the keeper of what all sessions share."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitrine.ui import uploads
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.slots.bias import BiasSlot
from vitrine.ui.slots.training import TrainingSlot
from xai_core.detector import Detections
from xai_core.jobs.base import Job, Runner, Status
from xai_core.jobs.local import LocalRunner
from xai_core.pictures.files import Picture
from xai_core.preprocessing import Preprocessing
from xai_core.services.detector_preparation import PreparedDetector
from xai_core.services.preparation import Prepared
from xai_core.services.results_cache import remembering
from xai_core.types import Engine, Estimate, Floats, ModelSource

GRACE_SECONDS = 180.0  # longer than Streamlit keeps the session of a tab that went silent
KEPT_RUNS = 64
Key = tuple[object, ...]
Ready = TypeVar("Ready")


@st.cache_resource(show_spinner=False)
def runner() -> Runner:
    """Return the runner that all sessions share; it holds processes and kept results, never a model or an upload."""
    return remembering(LocalRunner())


@dataclass
class Slot(Generic[Ready]):
    """A model that a tab holds, how far it is with opening it, and what was asked of it.

    standby: the model that was there before, until the one that is being opened is ready. refused: the file that could
    not be opened, where another model took its place again. asked_to_run: the method that a person asked to be run,
    whether or not runs begin by themselves; "" for none.
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
    worked_out: WeakKeyDictionary[object, dict[object, Any]] = field(default_factory=WeakKeyDictionary)
    view: ViewerState | None = None
    models_uploaded: int = 0

    def remember(self, key: Key, job: Job[Estimate]) -> None:
        """Keep a run; the oldest one goes when there are too many."""
        self.runs[key] = job
        while len(self.runs) > KEPT_RUNS:
            self._forget(next(iter(self.runs)))

    def once(self, job: object, what: object, work_out: Callable[[], Any]) -> Any:
        """Return what is worked out of an ended job's answer, worked out the first time it is asked for."""
        known = self.worked_out.setdefault(job, {})
        if what not in known:
            known[what] = work_out()
        return known[what]

    def make_room(self, source: ModelSource) -> None:
        """Put a file that is to be opened in the model's place; the model stands by in case it is refused."""
        self.stop()
        present, before, refused = self.source, self.standby, self.refused
        if present is not None and self.prepared is not None:
            self.standby = (present, self.prepared)
        self.source, self.prepared, self.refused = source, None, None
        self._remove(present, refused, before and before[0], kept=self._here())

    def settle(self) -> bool:
        """Take what the opening came to; return whether a model is here now that was not before."""
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

    def leave_model(self) -> None:
        """Stop what the present model is doing, and free its process and its files."""
        self.stop()
        self._remove(self.source, self.refused, self.standby and self.standby[0], kept=())

    def stop(self) -> None:
        """Stop what the present model is doing, and free its process."""
        if self.opening is not None:
            self.opening.cancel()
        self.drop_unfinished(but=())
        for engines in self.engines.values():
            engines.cancel()
        self.engines.clear()
        if self.source is not None and self.source.owner == self.owner:
            runner().release(self.owner)

    def _here(self) -> set[str]:
        """Return the paths of all models that may still be asked."""
        sources = (self.source, self.refused, self.standby and self.standby[0])
        return {one.path for one in sources if one is not None}

    def _remove(self, *sources: ModelSource | None, kept: Collection[str]) -> None:
        """Remove the files of models that this tab brought, but those at the paths that are `kept`."""
        for source in sources:
            if source is not None and source.owner == self.owner and source.path not in kept:
                Path(source.path).unlink(missing_ok=True)

    def drop_unfinished(self, but: Collection[Key]) -> None:
        """Cancel and forget the runs and their checks that are not done, save those whose keys are in `but`."""
        for key in [k for k, job in self.runs.items() if k not in but and job.state.status is not Status.DONE]:
            self._forget(key)
        for key, checks in self.checks.items():
            for kind in [k for k, job in checks.items() if key not in but and job.state.status is not Status.DONE]:
                checks.pop(kind).cancel()

    def drop(self, job: Job[Estimate]) -> None:
        """Forget one run, so that it is begun anew."""
        for key in [k for k, kept in self.runs.items() if kept is job]:
            self._forget(key)

    def _forget(self, key: Key) -> None:
        for job in (self.runs.pop(key), *self.checks.pop(key, {}).values()):
            job.cancel()


@dataclass
class DetectorSlot(Slot[PreparedDetector]):
    """The detector that a tab holds, what it found in each picture, and a download of one that is going on."""

    found: dict[Key, Job[Detections]] = field(default_factory=dict)
    downloading: Job[Path] | None = None

    def stop(self) -> None:
        for job in self.found.values():
            job.cancel()
        self.found.clear()
        super().stop()


@dataclass
class Workspace(Slot[Prepared]):
    """What one browser tab holds: its classifier and what was asked of it, its detector, its pictures."""

    detector: DetectorSlot = field(default_factory=DetectorSlot)
    training: TrainingSlot = field(default_factory=TrainingSlot)
    bias: BiasSlot = field(default_factory=BiasSlot)
    pictures: dict[str, Picture] = field(default_factory=dict)
    complaints: dict[str, str] = field(default_factory=dict)
    scores: dict[Key, Floats] = field(default_factory=dict)
    unfolded: set[str] = field(default_factory=set)
    trays_cleared: int = 0
    views: dict[Key, NDArray[np.uint8]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    address: dict[str, str] = field(default_factory=dict)
    link_faults: dict[str, str] = field(default_factory=dict)

    def seen_part(self, picture: Picture, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """Return the part of a picture that the model sees, (h, w, 3), worked out once."""
        key = (picture.digest, preprocessing)
        if key not in self.views:
            self.views[key] = preprocessing.view(picture.pixels)
        return self.views[key]

    def leave(self) -> None:
        """Free all that the tab holds."""
        for slot in (self, self.detector):
            slot.leave_model()
            uploads.forget(slot.owner)
        self.bias.leave()
        uploads.forget(self.bias.owner)


def workspace() -> Workspace:
    """Return this tab's workspace."""
    if "workspace" not in st.session_state:
        st.session_state.workspace = Workspace(address=st.query_params.to_dict())
    space: Workspace = st.session_state.workspace
    _presence(space.owner, space)
    return space


def settle(key: str, low: Any, high: Any) -> None:
    """Bring a remembered slider value into the range that the present model allows."""
    value = st.session_state.get(key)
    if value is not None and not low <= value <= high:
        st.session_state[key] = min(max(value, low), high)


def put(key: str, value: Any) -> None:
    """Set a widget's value before it is drawn."""
    st.session_state[key] = value


def value_of(key: str, default: Any = None) -> Any:
    """Return a widget's remembered value."""
    return st.session_state.get(key, default)


def has(key: str) -> bool:
    """Return whether a widget has a value yet."""
    return key in st.session_state


class _Departures:
    """Frees an owner's worker some time after the tab closed, unless it comes back before."""

    def __init__(self) -> None:
        self._timers: dict[str, threading.Timer] = {}
        self._lock = threading.Lock()

    def arrive(self, space: Workspace) -> None:
        with self._lock:
            if timer := self._timers.pop(space.owner, None):
                timer.cancel()

    def leave(self, space: Workspace) -> None:
        timer = threading.Timer(GRACE_SECONDS, self._gone, [space])
        timer.daemon = True
        with self._lock:
            self._timers[space.owner] = timer
        timer.start()

    def _gone(self, space: Workspace) -> None:
        with self._lock:
            self._timers.pop(space.owner, None)
        space.leave()


_departures = _Departures()


@st.cache_resource(scope="session", show_spinner=False, on_release=_departures.leave)
def _presence(owner: str, _space: Workspace) -> Workspace:
    _departures.arrive(_space)
    return _space
