"""A model that sends or computes without end is stopped; the app hardly notices, and keeps nothing of it."""

from __future__ import annotations

import glob
import logging
import os
import re
import tempfile

import pytest

from tests.sandbox.confined import CONFINED, SECONDS, cases, names, until
from vitrine.ui.drawing.text import literal
from xai_core.errors import OutOfMemory, RefusedModel, TimedOut, WorkerDied
from xai_core.jobs import process, watchdog

FLOODED = "sent the app more than it is allowed to"
FATES = {
    "ticks while it opens": (WorkerDied, FLOODED),
    "fat ticks while it opens": (WorkerDied, FLOODED),
    "small threads": (RefusedModel, "threads and was stopped|cannot be opened as a model"),
    "page tables": (OutOfMemory, "needs more than 600 MB"),
    "a slow frame": (TimedOut, "took longer than 2 s"),
}

pytestmark = CONFINED
LONG = (  # each ends like a quick one: ticks, or a value that cannot be read
    "fat ticks while it opens",
    "a number of 100,000 digits",
    "an output as low as 400 digits",
    "100,000 notes",
    "100,000 other networks",
    "a number without end",
    "a list for a word",
    "an axis of none",
)
LONG_IF_IDLE = ("endless words while idle", "fat ticks while idle")


@pytest.mark.parametrize("name", cases(names("FLOODS", "floods"), LONG))
def test_a_flood_costs_its_own_process_only(runner, impatient_runner, source, name):
    fate, words = FATES.get(name, (WorkerDied, "process stopped"))
    job = (impatient_runner if fate is TimedOut else runner).open(source(name))
    with pytest.raises(fate, match=words):
        job.result(SECONDS)


@pytest.mark.parametrize("name", cases(names("IDLE_FLOODS", "floods"), LONG_IF_IDLE))
def test_an_idle_model_is_ended_if_it_floods_or_computes(runner, source, monkeypatch, caplog, name):
    computes = name == "computing while idle"
    monkeypatch.setattr(watchdog, "IDLE_SECONDS", 0.5 if computes else SECONDS)  # a flood costs processor time too
    caplog.set_level(logging.WARNING)
    hostile = source(name)
    assert runner.open(hostile).result(SECONDS).classes == 3
    until(lambda: not runner.loaded(hostile))
    reason = "without a question to answer" if computes else FLOODED
    assert [record for record in caplog.records if reason in record.getMessage()]


def test_words_in_the_log_are_bounded(runner, source, caplog):
    caplog.set_level(logging.INFO)
    hostile = source("endless words while idle")
    assert runner.open(hostile).result(SECONDS).classes == 3
    until(lambda: not runner.loaded(hostile))
    assert sum(len(record.getMessage()) for record in caplog.records) < 1 << 20
    assert not any("\x1b" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("name", names("SLOW", "floods"))
def test_an_idle_model_is_ended_if_it_sends_half_a_frame(runner, source, monkeypatch, caplog, name):
    monkeypatch.setattr(process, "FRAME_SECONDS", 0.5)
    caplog.set_level(logging.WARNING)
    hostile = source(name)
    assert runner.open(hostile).result(SECONDS).classes == 3
    until(lambda: not runner.loaded(hostile))
    assert [record for record in caplog.records if "because it sent nonsense" in record.getMessage()]


@pytest.mark.parametrize("name", cases(names("HARMLESS_CARDS", "floods"), ("the same key twice",)))
def test_odd_text_opens_and_is_shown_literally(runner, source, name):
    card = runner.open(source(name)).result(SECONDS)
    for label in card.labels:
        assert label.isprintable()
        assert not re.search(r"(?<!\\)[\[<]", literal(label)), literal(label)


@pytest.mark.parametrize("name", cases(names("LEFTOVERS", "floods"), ("a folder to enter only",)))
def test_a_folder_is_removed_whatever_its_rights(runner, source, name):
    hostile = source(name)
    job = runner.open(hostile)
    job.wait(SECONDS)
    runner.release(hostile.owner)
    until(lambda: not glob.glob(os.path.join(tempfile.gettempdir(), "vitrine-*", "worker-*", "dark")))
