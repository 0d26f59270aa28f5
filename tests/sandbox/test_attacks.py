"""The attack matrix: what a hostile model tries fails, or costs its own process only."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.sandbox.confined import CONFINED, HERE, REFUSED, SECONDS, cases, names, told_by, until
from xai_core.errors import JobError, OutOfMemory, RefusedModel, TimedOut, WorkerDied
from xai_core.jobs import watchdog
from xai_core.jobs.base import Status
from xai_core.jobs.questions.explain import Explain
from xai_core.preprocessing import Preprocessing

SIZE = Preprocessing(4, 5)

pytestmark = CONFINED


@pytest.fixture(scope="module")
def told(runner, source):
    return told_by(runner, source("every try"))


IN_OTHER_WORDS = {
    "a shell": ("ZeroDivisionError",),  # as os.system answers with a code
    "a thread bomb": ("can't start new thread",),
    "a higher limit": ("not allowed to raise maximum limit",),  # as Python says it
}


@pytest.mark.parametrize("name", names("TRIES"))
def test_a_try_is_refused(told, name):
    assert any(words in told[name] for words in IN_OTHER_WORDS.get(name, REFUSED)), told[name]


def test_no_marker_was_left(told, tmp_path_factory):
    places = ("/tmp", "/var/tmp", *map(str, tmp_path_factory.getbasetemp().glob("models*")))
    assert told
    assert not [place for place in places if os.path.exists(os.path.join(place, "vitrine-was-here"))]


FATES = {
    "memory": OutOfMemory,
    "shared mappings": OutOfMemory,
    "a loop": TimedOut,
    "a loop that lets no other thread run": TimedOut,
    "half a frame": TimedOut,
    "many files": RefusedModel,
    "deep folders": RefusedModel,
    "one large file": RefusedModel,
    "several files": RefusedModel,
}


LONG = (  # each ends like a quick one: a crash, many files, or a dialogue that breaks
    "an abort",
    "an end",
    "deep folders",
    "several files",
    "endless words",
    "another magic",
    "a huge header",
    "a huge body",
    "sizes that do not add up",
    "an array that was not asked for",
    "deep JSON",
    "a card without sense",
    "a card without end",
    "a framework of its own",
    "an error of its own",
    "a second hello",
)
LONG_LIES = ("maps of another size", "maps of another type", "more maps than targets", "more than all of the work")


@pytest.mark.parametrize("name", cases(names("BLOWS"), LONG))
def test_a_blow_costs_its_own_process_only(runner, impatient_runner, source, name):
    fate = FATES.get(name, WorkerDied)
    job = (impatient_runner if fate is TimedOut else runner).open(source(name))
    with pytest.raises(fate) as found:
        job.result(SECONDS)
    assert "/" not in str(found.value)


@pytest.mark.parametrize("name", names("ON_A_FULL_DISK"))
def test_a_disk_is_not_filled_unseen(runner, source, monkeypatch, name):
    monkeypatch.setattr(watchdog, "RESERVE_BYTES", 1 << 60)  # every disk is nearly full
    with pytest.raises(JobError, match="nearly full: more than 32 MB were written"):
        runner.open(source(name)).result(SECONDS)


@pytest.mark.parametrize("name", cases(names("LIES"), LONG_LIES))
def test_a_lie_about_a_map_is_never_drawn(runner, source, name):
    image = np.full((4, 5, 3), 1, np.float32)  # its first value tells the job's number, for a lie that looks right
    lying = SimpleNamespace(id="lying", values=lambda: {"what": name})
    job = runner.ask(source(name), Explain(SIZE, lying, image, np.array([0])))
    with pytest.raises(WorkerDied):
        job.result(SECONDS)
    assert job.state.latest is None or (job.state.latest.maps == 0).all()


def test_a_true_map_sent_the_same_way_is_drawn(runner, source):
    lying = SimpleNamespace(id="lying", values=lambda: {"what": "nothing"})
    question = Explain(SIZE, lying, np.full((4, 5, 3), 1, np.float32), np.array([0]))
    job = runner.ask(source("true"), question)
    until(lambda: job.state.latest is not None and job.state.latest.fraction == 0.5)
    assert (job.state.latest.maps == 5).all()
    runner.release("true")  # it would sleep now
    assert job.wait(SECONDS).status is Status.CANCELLED


HARMLESS = [
    "read /etc/passwd",
    "UDP",
    "a pair of sockets",
    "a program",
    "a shell",
    "memory outside any limit",
    "a pipe's signals to the app",
    "a pipe's signals to the app, by kind",
    "a pipe's choice of a signal",
]


@pytest.mark.parametrize("name", HARMLESS)
def test_a_try_would_work_without_the_sandbox(name):
    ended = run(f"import attacks; attacks.TRIES[{name!r}](None, None)")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", [name for name in names("TRIES") if "signal" in name])
def test_a_signal_is_refused_without_landlock_too(name):
    closed = "import attacks; from xai_core.jobs import seccomp; seccomp.close_calls()"
    ended = run(f"{closed}; attacks.TRIES[{name!r}](None, None)")
    assert "PermissionError" in ended.stderr, ended


def run(program):
    environment = {"PYTHONPATH": str(HERE), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-B", "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_next_good_model_works(runner, source):
    assert runner.open(source("good")).result(SECONDS).classes == 3
