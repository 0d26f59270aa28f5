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
QUICK = (
    "ticks while it opens",
    "small threads",
    "page tables",
    "a slow frame",
    "a number of 400 digits",
    "a deep value",
)


@pytest.mark.parametrize("name", cases(names("FLOODS", "floods"), QUICK))
def test_a_flood_costs_its_own_process_only(runner, impatient_runner, source, name):
    fate, words = FATES.get(name, (WorkerDied, "process stopped"))
    job = (impatient_runner if fate is TimedOut else runner).open(source(name))
    with pytest.raises(fate, match=words):
        job.result(SECONDS)


@pytest.mark.parametrize("name", cases(names("IDLE_FLOODS", "floods"), ("ticks while idle", "computing while idle")))
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


@pytest.mark.parametrize("name", cases(names("HARMLESS_CARDS", "floods"), ("lone surrogates", "markup")))
def test_odd_text_opens_and_is_shown_literally(runner, source, name):
    card = runner.open(source(name)).result(SECONDS)
    for label in card.labels:
        assert label.isprintable()
        assert not re.search(r"(?<!\\)[\[<]", literal(label)), literal(label)


@pytest.mark.parametrize("name", cases(names("LEFTOVERS", "floods"), ("a dark folder",)))
def test_a_folder_is_removed_whatever_its_rights(runner, source, name):
    hostile = source(name)
    job = runner.open(hostile)
    job.wait(SECONDS)
    runner.release(hostile.owner)
    until(lambda: not glob.glob(os.path.join(tempfile.gettempdir(), "vitrine-*", "worker-*", "dark")))
