"""A worker does not outlive the app, even one that lets no other thread of its own run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sandbox.confined import CONFINED, HERE, until
from tests.xai_core.jobs.test_tether import is_running

APP = """
import sys, time
from tests.sandbox.confined import LIMITS, hostile_runner
from xai_core.types import ModelSource
runner = hostile_runner(LIMITS)
runner.open(ModelSource(sys.argv[1], "model.onnx", "digest", owner="someone"))
(opening,) = runner._processes.values()
while not (opening._process and opening._process.framework == "onnx" and opening._doing == "loading the model"):
    time.sleep(0.01)
print(opening._process._popen.pid, flush=True)
sys.stdin.read()
"""

pytestmark = CONFINED


@pytest.mark.parametrize("name", ["a loop", "a loop that lets no other thread run"])
def test_a_worker_dies_with_the_app(source, name):
    command = [sys.executable, "-B", "-c", APP, source(name).path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=HERE.parents[1], **pipes) as app:
        worker = int(app.stdout.readline())
        assert is_running(worker)
        app.kill()
    until(lambda: not is_running(worker))
