"""A process waits for the next tab, which then has it alone."""

from __future__ import annotations

import logging
import os
import signal
import threading

import pytest

from tests.fakes_parser import DirectParser
from tests.xai_core.services.parsing.test_parser import opened, process_of, until
from tests.xai_core.services.parsing.test_questions import table
from xai_core.jobs.launcher import Launcher
from xai_core.jobs.limits import Limits
from xai_core.services.parsing import spare as spares
from xai_core.services.parsing.parser import SandboxedParser
from xai_core.services.parsing.questions.read_predictions import ReadPredictions
from xai_core.services.parsing.questions.warm_up import WarmUp
from xai_core.services.parsing.spare import Spare


@pytest.fixture
def idle():
    """Set while the processor is said to be idle."""
    return threading.Event()


@pytest.fixture
def spare(idle):
    made = Spare(is_idle=idle.is_set)
    yield made
    made.close()


@pytest.fixture
def ready(spare, idle):
    """A spare whose process waits; no other is started meanwhile."""
    idle.set()
    spare.prepare()
    until(lambda: spare.ready)
    idle.clear()
    return spare


def waiting(spare):
    return spare._process._popen.pid


def test_each_tab_has_a_process_of_its_own_and_the_next_waits_for_an_idle_processor(ready, idle):
    first, second, expected = SandboxedParser(spare=ready), SandboxedParser(spare=ready), waiting(ready)
    assert opened(first).pixels.shape == opened(second).pixels.shape == (12, 16, 3)
    assert process_of(first) == expected != process_of(second)
    assert not ready.ready
    idle.set()
    until(lambda: ready.ready)
    assert waiting(ready) not in (process_of(first), process_of(second))
    assert first.ask(ReadPredictions(table(), "x")).labels == ("cat", "dog", "=owl")
    first.close(), second.close()


def test_a_parser_that_was_idle_takes_the_process_that_waits(ready):
    parser = SandboxedParser(idle_seconds=0.05)
    opened(parser)
    until(lambda: not parser.running)
    parser._spare, expected = ready, waiting(ready)
    opened(parser)
    assert process_of(parser) == expected
    parser.close()


def test_a_process_that_died_while_it_waited_is_not_taken(ready):
    os.kill(waiting(ready), signal.SIGKILL)
    until(lambda: not ready.ready)
    assert ready.take() is None


def test_closing_ends_the_process_that_waits_and_no_other_starts(ready, idle):
    process = ready._process
    ready.close()
    idle.set()
    ready.prepare()
    assert not process.alive
    assert not os.path.exists(process.scratch)
    assert ready.take() is None
    assert not ready.ready


def test_a_spare_that_is_closed_while_it_looks_for_an_idle_processor_starts_nothing(spare):
    spare.prepare()
    spare.close()
    spare._preparing.join(10)
    assert not spare.ready


def test_without_a_process_that_can_start_each_tab_starts_its_own(idle, caplog):
    caplog.set_level(logging.WARNING, spares.__name__)
    spare = Spare(Launcher("no_such_module", Limits()), idle.is_set)
    idle.set()
    spare.prepare()
    spare._preparing.join(120)
    assert "No process could be prepared for the next file." in caplog.text
    parser = SandboxedParser(spare=spare)
    assert opened(parser).pixels.shape == (12, 16, 3)
    parser.close(), spare.close()


def test_warming_up_answers_nothing():
    assert DirectParser().ask(WarmUp()) is None


@pytest.mark.parametrize(("idle_seconds", "is_idle"), [((7.0, 7.4), False), ((7.0, 7.6), True), ((7.0, 9.0), True)])
def test_half_a_processor_must_be_idle(monkeypatch, idle_seconds, is_idle):
    looks = iter(idle_seconds)
    monkeypatch.setattr(spares, "_idle_seconds", lambda: next(looks))
    monkeypatch.setattr(spares.time, "sleep", lambda seconds: None)
    assert spares.processor_is_idle() is is_idle
