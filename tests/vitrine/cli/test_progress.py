"""What is shown on the terminal while a command works."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from vitrine.cli.progress import tell
from vitrine.progress import duration
from vitrine.progress import follow as follow_job
from xai_core.jobs.base import Job, JobState, Status
from xai_core.types import Estimate


@pytest.fixture
def watch(monkeypatch):
    """Have somebody sit at the terminal, or nobody, from now on."""

    def setting(watched=True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: watched)

    return setting


def follow(job, *words):
    return follow_job(job, tell, *words)


def running(seconds, fraction):
    return JobState(Status.RUNNING, Estimate(fraction, np.zeros((1, 2, 2), np.float32)), seconds=seconds)


class Played(Job):
    """A job that goes through some states, one a look."""

    def __init__(self, *states):
        super().__init__(cancel=lambda: None)
        self._states = [*states, JobState(Status.DONE, "an answer")]

    def wait(self, seconds=None):
        if len(self._states) > 1:
            self.state = self._states.pop(0)
        else:
            self.state = self._states[0]
        return self.state


def lines_of(text):
    return [line for line in text.split("\r\x1b[K") if line]


def test_cost_and_progress_of_a_method_are_told(watch, capsys):
    watch()
    job = Played(
        JobState(doing="loading the model"),
        JobState(Status.RUNNING, doing="trying which engine is fastest"),
        JobState(Status.RUNNING),
        running(30, 0.25),
        running(40, 0.5),
        running(50, 0.75),
    )
    assert follow(job, "D-RISE", "100 detections, about 18 s") == "an answer"
    assert lines_of(capsys.readouterr().err) == [
        "D-RISE, 100 detections, about 18 s: loading the model",
        "D-RISE, 100 detections, about 18 s: trying which engine is fastest",
        "D-RISE, 100 detections, about 18 s: asking the model",
        "D-RISE: 25%",
        "D-RISE: 50%, 20 s left",
        "D-RISE: 75%, 10 s left",
    ]


def test_a_job_without_a_name_is_told_too(watch, capsys):
    watch()
    follow(Played(JobState(Status.RUNNING), running(1, 0.5)))
    assert lines_of(capsys.readouterr().err) == ["asking the model", "50%"]


def test_nothing_is_told_where_nobody_watches(watch, capsys):
    watch(False)
    follow(Played(JobState(Status.RUNNING)), "D-RISE")
    assert capsys.readouterr().err == ""


def test_a_line_stays_within_the_terminal(watch, monkeypatch, capsys):
    watch()
    monkeypatch.setenv("COLUMNS", "20")
    tell("a" * 100)
    assert lines_of(capsys.readouterr().err) == ["a" * 19]


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (99.4, "99 s"), (100, "2 min"), (3600, "60 min")])
def test_durations_are_words(seconds, words):
    assert duration(seconds) == words
