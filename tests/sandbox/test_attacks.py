"""The attack matrix: what a hostile model tries fails, or costs its own process only."""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from xai_core.errors import OutOfMemory, RefusedModel, TimedOut, WorkerDied
from xai_core.jobs import watchdog
from xai_core.jobs.base import Status
from xai_core.jobs.limits import Limits
from xai_core.jobs.local import LocalRunner, sandbox_in_force
from xai_core.jobs.questions.explain import Explain
from xai_core.preprocessing import Preprocessing
from xai_core.types import ModelSource

HERE = Path(__file__).parent
SECONDS = 120
SIZE = Preprocessing(4, 5)
LIMITS = Limits(memory_mb=600, open_seconds=SECONDS, step_seconds=SECONDS, file_mb=16, scratch_mb=32, threads=100)
IMPATIENT = replace(LIMITS, open_seconds=2)  # for blows that last until somebody stops them; other fates have no clock
NOBODY = 65534

pytestmark = pytest.mark.skipif(not sandbox_in_force().complete, reason="This kernel has no Landlock or no seccomp.")


def names(table):
    """Return the keys of a table in attacks.py, which this process never imports."""
    for node in ast.parse((HERE / "attacks.py").read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == table:
            return [key.value for key in node.value.keys]
    raise KeyError(table)


def until(true):
    """Wait until something is true, which a broken runner never makes it."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def hostile_runner(limits):
    return LocalRunner("hostile_adapters", limits, most_processes=3, extra_path=[str(HERE)])


@pytest.fixture(scope="module")
def runner():
    made = hostile_runner(LIMITS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def impatient_runner():
    made = hostile_runner(IMPATIENT)
    yield made
    made.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    def write(name):
        path = tmp_path_factory.mktemp("models") / "model"
        path.write_text(name)
        return ModelSource(str(path), "model.onnx", hashlib.sha256(name.encode()).hexdigest(), owner=name)

    return write


@pytest.fixture(scope="module")
def told(runner, source):
    """What became of each try, by its name."""
    notes = runner.open(source("every try")).result(SECONDS).notes
    return dict(note.split(": ", 1) for note in notes)


REFUSED = ("PermissionError", "Operation not permitted", "Permission denied")
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
    "endless words": TimedOut,
    "half a frame": TimedOut,
    "many files": RefusedModel,
    "deep folders": RefusedModel,
    "one large file": RefusedModel,
    "several files": RefusedModel,
}


@pytest.mark.parametrize("name", names("BLOWS"))
def test_a_blow_costs_its_own_process_only(runner, impatient_runner, source, name):
    fate = FATES.get(name, WorkerDied)
    job = (impatient_runner if fate is TimedOut else runner).open(source(name))
    with pytest.raises(fate) as found:
        job.result(SECONDS)
    assert "/" not in str(found.value)


@pytest.mark.parametrize("name", names("ON_A_FULL_DISK"))
def test_a_disk_is_not_filled_unseen(runner, source, monkeypatch, name):
    monkeypatch.setattr(watchdog, "RESERVE_BYTES", 1 << 60)  # every disk is nearly full
    with pytest.raises(RefusedModel, match="wrote more than 32 MB"):
        runner.open(source(name)).result(SECONDS)


@pytest.mark.parametrize("name", names("LIES"))
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


AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="Only root can become another user.")


@AS_ROOT
def test_tries_are_refused_to_an_ordinary_user_too(tmp_path):
    result = as_an_ordinary_user(tmp_path, "-k", "a_try_is_refused or no_marker or good_model")
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert f"{len(names('TRIES')) + 2} passed" in result.stdout


@AS_ROOT
@pytest.mark.long
def test_all_of_this_holds_for_an_ordinary_user(tmp_path):
    result = as_an_ordinary_user(tmp_path)
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert " passed, 2 skipped" in result.stdout  # those that are skipped are these


def as_an_ordinary_user(folder, *chosen):
    """Run this file's tests, or those `chosen`, as nobody."""
    if not (setpriv := shutil.which("setpriv")):
        pytest.skip("setpriv (util-linux) is not installed.")
    os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o700)
    # The interpreter may lie in a folder of root's; reading is all that this capability gives.
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all,+dac_read_search"]
    caps = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    tests = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={folder}/run", __file__]
    return subprocess.run(
        [setpriv, *user, *caps, *tests, *chosen],
        cwd=HERE.parents[1],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
    )
