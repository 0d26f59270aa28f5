"""The only reader and writer of session state, and the owner of what all sessions share."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vitrine.runner import remembering_runner
from vitrine.ui import garbage
from vitrine.ui.drawing.memo import Memo
from vitrine.ui.server.code_policy import code_policy
from xai_core.jobs.base import Job, Runner
from xai_core.jobs.question import Answer, Question
from xai_core.pictures.files import Picture
from xai_core.preprocessing import Preprocessing
from xai_core.services.parsing.parser import Parser, SandboxedParser
from xai_core.services.parsing.spare import Spare
from xai_core.types import ModelSource

PRESENT_SECONDS = 1.0
GRACE_SECONDS = 110.0  # Streamlit keeps the session of a closed tab for 120 s, and forgets it at the next arrival
SHARED = ""  # the owner of samples
KEPT_VIEWS = 64  # of about 1 MB each
Key = tuple[object, ...]
PageSlot = TypeVar("PageSlot", bound="Slot")


@st.cache_resource(show_spinner=False)
def runner() -> Runner:
    """Return the runner that all sessions share; it holds processes and cached results, never a model or an upload."""
    return remembering_runner(code_policy().allowed)


@cache
def spare_parser() -> Spare:
    """Return what keeps a process ready for the first file of the next tab."""
    return Spare()


def ask(source: ModelSource, question: Question[Answer]) -> Job[Answer]:
    """Ask a model in this tab's name; tabs that share a sample get the same time."""
    return runner().ask(source, question, workspace().owner)


class Slot(Protocol):
    """What a page keeps for a tab. It is made without arguments when the page first asks for it."""

    def leave(self) -> None:
        """Stop all work, and free processes and files; the tab is closed."""


def _session_id() -> str:
    run = get_script_run_ctx(suppress_warning=True)
    return run.session_id if run else ""


@dataclass
class Workspace:
    """What one browser tab holds: its pictures, and a slot for each page that asked for one.

    session_id: Streamlit's, "" outside of it. parser: reads its files. reducible: files of pictures with too many
    pixels, by name. paged: files with several pictures, by the digest of the one that is shown. seen: uploaded files
    that were read. views: what models see of pictures, and previews. unfolded: parts of a page that are expanded.
    present_at: when the tab last showed that it is open; minus infinity once it has closed.
    """

    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    session_id: str = field(default_factory=_session_id)
    parser: SandboxedParser = field(default_factory=lambda: SandboxedParser(spare=spare_parser()))
    pictures: dict[str, Picture] = field(default_factory=dict)
    complaints: dict[str, str] = field(default_factory=dict)
    reducible: dict[str, bytes] = field(default_factory=dict)
    paged: dict[str, bytes] = field(default_factory=dict)
    unfolded: set[str] = field(default_factory=set)
    trays_cleared: int = 0
    views: Memo = field(default_factory=lambda: Memo(KEPT_VIEWS))
    seen: set[str] = field(default_factory=set)
    address: dict[str, str] = field(default_factory=dict)
    link_faults: dict[str, str] = field(default_factory=dict)
    present_at: float = float("-inf")
    _slots: dict[type[Slot], Slot] = field(default_factory=dict)

    def slot(self, kind: type[PageSlot]) -> PageSlot:
        """Return this tab's slot of a kind, made the first time."""
        if kind not in self._slots:
            self._slots[kind] = kind()
        return cast(PageSlot, self._slots[kind])

    def seen_part(self, picture: Picture, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """Return the part of a picture that the model sees, (h, w, 3), computed once."""
        return self.views.once((picture.digest, preprocessing), lambda: preprocessing.view(picture.pixels))

    def leave(self) -> None:
        """Free everything that the tab holds, and its session."""
        self.parser.close()
        for slot in self._slots.values():
            slot.leave()
        if runtime.exists():
            runtime.get_instance().clear_user_info_for_session(self.session_id)  # closes one that has no tab


def workspace() -> Workspace:
    """Return this tab's workspace."""
    if "workspace" not in st.session_state:
        st.session_state.workspace = Workspace(address=st.query_params.to_dict())
    space: Workspace = st.session_state.workspace
    if time.monotonic() - space.present_at > PRESENT_SECONDS:  # the cache hashes its arguments, too slow for every call
        space.present_at = time.monotonic()
        _presence(space.owner, space)
    return space


def parser() -> Parser:
    """Return the parser of this tab's uploads, which has a process of its own."""
    return workspace().parser


def archive_parser(path: str) -> Parser:
    """Return a parser for one uploaded archive, whose process may read nothing else."""
    return SandboxedParser(path)


def slot(kind: type[PageSlot]) -> PageSlot:
    """Return this tab's slot of a kind, made the first time."""
    return workspace().slot(kind)


def settle(key: str, low: Any, high: Any) -> None:
    """Clip a remembered slider value to the range that the current model allows."""
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
    """Frees what a tab holds some time after it closed, unless it comes back first.

    The workers that all tabs share, those of samples, end with the last tab.
    """

    def __init__(self) -> None:
        self._timers: dict[str, threading.Timer] = {}
        self._present: set[str] = set()
        self._lock = threading.Lock()

    def arrive(self, space: Workspace) -> None:
        with self._lock:
            self._present.add(space.owner)
            if timer := self._timers.pop(space.owner, None):
                timer.cancel()

    def leave(self, space: Workspace) -> None:
        space.present_at = float("-inf")
        timer = threading.Timer(GRACE_SECONDS, self._gone, [space])
        timer.daemon = True
        with self._lock:
            self._timers[space.owner] = timer
        timer.start()

    def _gone(self, space: Workspace) -> None:
        with self._lock:
            if self._timers.pop(space.owner, None) is None:
                return  # the tab came back after its time was up, but before this
            self._present.discard(space.owner)
            alone = not self._present
            if alone:  # under the lock, so that nobody arrives meanwhile
                runner().release(SHARED)
        space.leave()
        if alone:
            garbage.give_back()


_departures = _Departures()


@st.cache_resource(scope="session", show_spinner=False, on_release=_departures.leave)
def _presence(owner: str, _space: Workspace) -> Workspace:
    _departures.arrive(_space)
    return _space
