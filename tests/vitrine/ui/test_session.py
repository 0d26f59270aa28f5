"""A tab that closed is given time to come back, and then frees what it held."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import pytest

from vitrine.ui import session, uploads
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.slots.detector import DetectorSlot
from vitrine.ui.slots.training import TrainingSlot
from xai_core.detector import Detections
from xai_core.errors import RefusedModel
from xai_core.jobs.base import Job, Status
from xai_core.pictures.files import Picture
from xai_core.preprocessing import Preprocessing
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
    return session.Workspace()


@pytest.fixture
def slot(space: session.Workspace) -> ClassifierSlot:
    slot = space.slot(ClassifierSlot)
    slot.source = uploads.keep(io.BytesIO(b"weights"), "model.pt", slot.owner)
    return slot


@pytest.fixture
def detector(space: session.Workspace) -> DetectorSlot:
    slot = space.slot(DetectorSlot)
    slot.source = uploads.keep(io.BytesIO(b"boxes"), "detector.pt", slot.owner)
    return slot


def test_a_tab_has_one_slot_of_each_kind(space: session.Workspace) -> None:
    assert space.slot(TrainingSlot) is space.slot(TrainingSlot)
    assert space.slot(ClassifierSlot).owner != space.slot(DetectorSlot).owner
    assert session.Workspace().slot(TrainingSlot) is not space.slot(TrainingSlot)


def test_a_tab_keeps_the_latest_views_of_pictures_only(space: session.Workspace) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pictures = [Picture(pixels, "a", str(number)) for number in range(session.KEPT_VIEWS + 5)]
    shown = [space.seen_part(picture, Preprocessing(8, 8)) for picture in pictures]
    assert len(space.views) == session.KEPT_VIEWS
    assert space.seen_part(pictures[-1], Preprocessing(8, 8)) is shown[-1]


def test_session_knows_no_slot_by_name() -> None:
    assert "vitrine.ui.slots" not in Path(session.__file__).read_text("utf-8")


def test_a_closed_tab_frees_its_process_its_runs_and_its_file(
    runner: ReleasingRunner, space: session.Workspace, slot: ClassifierSlot
) -> None:
    cancelled = threading.Event()
    slot.remember(("run",), Job[Estimate](cancel=cancelled.set))
    session._Departures().leave(space)
    _join_timers()
    assert cancelled.is_set()
    assert runner.released == [session.SHARED, slot.owner]
    assert slot.source is not None
    assert not Path(slot.source.path).exists()


def test_the_last_tab_ends_the_workers_that_all_share(runner: ReleasingRunner) -> None:
    departures, tabs = session._Departures(), [session.Workspace(), session.Workspace()]
    for tab in tabs:
        departures.arrive(tab)
    departures.leave(tabs[0])
    _join_timers()
    assert runner.released == []
    departures.leave(tabs[1])
    _join_timers()
    assert runner.released == [session.SHARED]


def test_a_tab_that_comes_back_keeps_everything(
    runner: ReleasingRunner, space: session.Workspace, slot: ClassifierSlot
) -> None:
    departures = session._Departures()
    departures.leave(space)
    departures.arrive(space)
    assert not runner.heard.wait(0.3)
    assert slot.source is not None
    assert Path(slot.source.path).exists()


def test_a_tab_that_comes_back_at_the_last_moment_keeps_everything(
    runner: ReleasingRunner, space: session.Workspace, slot: ClassifierSlot
) -> None:
    departures = session._Departures()
    departures.arrive(space)
    departures._gone(space)  # its timer ran out, and could no longer be cancelled
    assert runner.released == []
    assert slot.source is not None
    assert Path(slot.source.path).exists()


def opened(slot: ClassifierSlot, name: str, **end: object) -> ModelSource:
    """Bring another file and end its opening."""
    source = uploads.keep(io.BytesIO(name.encode()), name, slot.owner)
    slot.make_room(source)
    slot.opening = Job(cancel=lambda: None)
    slot.opening.update(**end)
    return source


def test_another_model_takes_the_place_of_the_first(runner: ReleasingRunner, slot: ClassifierSlot) -> None:
    before, slot.prepared = slot.source, object()
    after = opened(slot, "other.pt", status=Status.DONE, latest="ready")
    assert before is not None
    assert Path(before.path).exists()
    assert slot.settle()
    assert (slot.source, slot.prepared) == (after, "ready")
    assert (Path(before.path).exists(), Path(after.path).exists()) == (False, True)


def test_the_model_before_comes_back_where_another_is_refused(runner: ReleasingRunner, slot: ClassifierSlot) -> None:
    before, slot.prepared = slot.source, "as before"
    refused = opened(slot, "broken.pt", status=Status.FAILED, error=RefusedModel("It is broken."))
    assert slot.settle()
    assert (slot.source, slot.prepared, slot.refused) == (before, "as before", refused)
    assert Path(refused.path).exists()
    assert not slot.settle()
    third = opened(slot, "third.pt", status=Status.DONE, latest="ready")
    assert slot.settle()
    assert [Path(one.path).exists() for one in (before, refused, third)] == [False, False, True]


def test_a_refused_file_without_a_model_before_it_stays_to_be_opened_otherwise(
    runner: ReleasingRunner, slot: ClassifierSlot
) -> None:
    refused = opened(slot, "broken.pt", status=Status.FAILED, error=RefusedModel("It is broken."))
    assert not slot.settle()
    assert slot.source == refused
    assert Path(refused.path).exists()


def test_runs_of_another_question_are_cancelled_and_forgotten(slot: ClassifierSlot) -> None:
    cancelled = []
    for name in ("old", "new"):
        slot.remember((name,), Job[Estimate](cancel=lambda name=name: cancelled.append(name)))
    slot.drop_unfinished(but=[("new",)])
    assert cancelled == ["old"]
    assert list(slot.runs) == [("new",)]


def test_a_closed_tab_frees_its_detector_too(
    runner: ReleasingRunner, space: session.Workspace, slot: ClassifierSlot, detector: DetectorSlot
) -> None:
    cancelled: list[str] = []
    detector.remember(("run",), Job[Estimate](cancel=lambda: cancelled.append("run")))
    detector.detections[("picture",)] = Job[Detections](cancel=lambda: cancelled.append("picture"))
    session._Departures().leave(space)
    _join_timers()
    assert sorted(cancelled) == ["picture", "run"]
    assert runner.released == [session.SHARED, slot.owner, detector.owner]
    assert detector.source is not None
    assert not Path(detector.source.path).exists()


def test_another_detector_leaves_the_classifier_alone(
    runner: ReleasingRunner, slot: ClassifierSlot, detector: DetectorSlot
) -> None:
    detector.leave()
    assert runner.released == [detector.owner]
    assert slot.source is not None
    assert Path(slot.source.path).exists()


def _join_timers() -> None:
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer) and thread.interval == session.GRACE_SECONDS:
            thread.join(60)


def test_the_first_file_of_a_tab_is_read_by_the_process_that_waits():
    first, second = session.Workspace().parser, session.Workspace().parser
    assert first is not second
    assert first._spare is second._spare is session.spare_parser()
