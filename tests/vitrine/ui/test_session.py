"""A tab that closed is given time to come back, and then frees what it held."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from vitrine.ui import session, uploads
from xai_core.detector import Detections
from xai_core.errors import RefusedModel
from xai_core.jobs.base import Job, Status
from xai_core.types import Estimate, ModelSource


class ReleasingRunner:
    """Notes whose processes were let go."""

    def __init__(self) -> None:
        self.released: list[str] = []
        self.heard = threading.Event()

    def release(self, owner: str) -> None:
        self.released.append(owner)
        self.heard.set()


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> ReleasingRunner:
    found = ReleasingRunner()
    monkeypatch.setattr(session, "runner", lambda: found)
    monkeypatch.setattr(session, "GRACE_SECONDS", 0.05)
    return found


@pytest.fixture
def space() -> session.Workspace:
    found = session.Workspace()
    found.source = uploads.keep(io.BytesIO(b"weights"), "model.pt", found.owner)
    return found


def test_a_closed_tab_frees_its_process_its_runs_and_its_file(
    runner: ReleasingRunner, space: session.Workspace
) -> None:
    cancelled = threading.Event()
    space.remember(("run",), Job[Estimate](cancel=cancelled.set))
    session._Departures().leave(space)
    _join_timers()
    assert cancelled.is_set()
    assert runner.released == [space.owner]
    assert space.source is not None
    assert not Path(space.source.path).exists()


def test_a_tab_that_comes_back_keeps_everything(runner: ReleasingRunner, space: session.Workspace) -> None:
    departures = session._Departures()
    departures.leave(space)
    departures.arrive(space)
    assert not runner.heard.wait(0.3)
    assert space.source is not None
    assert Path(space.source.path).exists()


def opened(space: session.Workspace, name: str, **end: object) -> ModelSource:
    """Bring another file and end its opening."""
    source = uploads.keep(io.BytesIO(name.encode()), name, space.owner)
    space.make_room(source)
    space.opening = Job(cancel=lambda: None)
    space.opening.update(**end)
    return source


def test_another_model_takes_the_place_of_the_first(runner: ReleasingRunner, space: session.Workspace) -> None:
    before, space.prepared = space.source, object()
    after = opened(space, "other.pt", status=Status.DONE, latest="ready")
    assert before is not None
    assert Path(before.path).exists()
    assert space.settle()
    assert (space.source, space.prepared) == (after, "ready")
    assert (Path(before.path).exists(), Path(after.path).exists()) == (False, True)


def test_the_model_before_comes_back_where_another_is_refused(
    runner: ReleasingRunner, space: session.Workspace
) -> None:
    before, space.prepared = space.source, "as before"
    refused = opened(space, "broken.pt", status=Status.FAILED, error=RefusedModel("It is broken."))
    assert space.settle()
    assert (space.source, space.prepared, space.refused) == (before, "as before", refused)
    assert Path(refused.path).exists()
    assert not space.settle()
    third = opened(space, "third.pt", status=Status.DONE, latest="ready")
    assert space.settle()
    assert [Path(one.path).exists() for one in (before, refused, third)] == [False, False, True]


def test_a_refused_file_without_a_model_before_it_stays_to_be_opened_otherwise(
    runner: ReleasingRunner, space: session.Workspace
) -> None:
    refused = opened(space, "broken.pt", status=Status.FAILED, error=RefusedModel("It is broken."))
    assert not space.settle()
    assert space.source == refused
    assert Path(refused.path).exists()


def test_runs_of_another_question_are_cancelled_and_forgotten(space: session.Workspace) -> None:
    cancelled = []
    for name in ("old", "new"):
        space.remember((name,), Job[Estimate](cancel=lambda name=name: cancelled.append(name)))
    space.drop_unfinished(but=[("new",)])
    assert cancelled == ["old"]
    assert list(space.runs) == [("new",)]


def test_a_closed_tab_frees_its_detector_too(runner: ReleasingRunner, space: session.Workspace) -> None:
    slot, cancelled = space.detector, []
    slot.source = uploads.keep(io.BytesIO(b"boxes"), "detector.pt", slot.owner)
    slot.remember(("run",), Job[Estimate](cancel=lambda: cancelled.append("run")))
    slot.found[("picture",)] = Job[Detections](cancel=lambda: cancelled.append("picture"))
    session._Departures().leave(space)
    _join_timers()
    assert sorted(cancelled) == ["picture", "run"]
    assert runner.released == [space.owner, slot.owner]
    assert not Path(slot.source.path).exists()


def test_another_detector_leaves_the_classifier_alone(runner: ReleasingRunner, space: session.Workspace) -> None:
    slot = space.detector
    slot.source = uploads.keep(io.BytesIO(b"boxes"), "detector.pt", slot.owner)
    slot.leave_model()
    assert runner.released == [slot.owner]
    assert space.source is not None
    assert Path(space.source.path).exists()


def _join_timers() -> None:
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(5)
