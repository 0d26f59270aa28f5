"""Code that came with a model ends in one sentence, whatever it does, and runs only where it may."""

from __future__ import annotations

import logging

import pytest

from tests.sandbox.by_code import impatient_runner, runner, running, with_code  # noqa: F401
from tests.sandbox.confined import CONFINED, LIMITS, SECONDS, cases, until
from xai_core.errors import ModelError, OutOfMemory, RefusedModel, TimedOut, UnsupportedModel, WorkerDied

pytestmark = CONFINED

BEYOND = r"outside its folder, so it was stopped \(model.py, line 1\)"
ENDS = {
    "open('/etc/passwd')": (RefusedModel, BEYOND),
    "import os; os.listdir('/tmp')": (RefusedModel, BEYOND),
    "import socket; socket.create_connection(('127.0.0.1', 9))": (RefusedModel, BEYOND),
    "import os; os.fork()": (RefusedModel, BEYOND),
    "import subprocess; subprocess.run(['ls'])": (RefusedModel, BEYOND),
    "raise SystemExit": (ModelError, r"The code ended the program \(model.py, line 1\)"),
    "class Odd(BaseException): pass\nraise Odd": (ModelError, "The code ended the program .model.py, line 2"),
    "import sys; sys.exit(0)": (ModelError, "ended the program"),
    "import os; os._exit(0)": (WorkerDied, "process stopped"),
    "import os; os.kill(os.getpid(), 9)": (WorkerDied, "process stopped"),
    "def net(:": (RefusedModel, "model.py, line 1: invalid syntax. Fix it"),
    "import numpy\nimport lightning": (
        UnsupportedModel,
        r"imports 'lightning', which is not installed here \(model.py, line 2\)",
    ),
    "1 / 0": (ModelError, r"The code stopped \(model.py, line 1\): ZeroDivisionError: division by zero."),
    "x = [bytes(1 << 28) for _ in range(9)]": (OutOfMemory, "needs more than 600 MB"),
    "open('/usr/nowhere/at/all')": (ModelError, "No such file or directory: 'all'"),
    "class E(Exception):\n def __str__(self): raise E\nraise E": (ModelError, r"line 3\): E\."),
    "raise ValueError('\\x1b[31m' + 'y' * 100000)": (ModelError, r"ValueError: \[31my{190,200}\.\.\.\.$"),
    "f = lambda: f()\nf()": (ModelError, "RecursionError"),
}


LONG = (  # each ends like a quick one: a call outside, a try to leave, a death, or an error
    "import os; os.listdir('/tmp')",
    "import socket; socket.create_connection(('127.0.0.1', 9))",
    "import os; os.fork()",
    "import subprocess; subprocess.run(['ls'])",
    "class Odd(BaseException): pass\nraise Odd",
    "import sys; sys.exit(0)",
    "import os; os.kill(os.getpid(), 9)",
    "f = lambda: f()\nf()",
)


@pytest.mark.parametrize("text", cases(ENDS, LONG))
def test_code_ends_in_a_sentence(runner, tmp_path, text):  # noqa: F811
    kind, words = ENDS[text]
    with pytest.raises(kind, match=words) as raised:
        runner.open(with_code(tmp_path, text, text)).result(SECONDS)
    assert type(raised.value) is kind
    assert "/" not in str(raised.value)
    assert len(str(raised.value)) < 500


def test_code_that_never_ends_is_stopped(impatient_runner, tmp_path):  # noqa: F811
    with pytest.raises(TimedOut, match="took longer than 2 s"):
        impatient_runner.open(with_code(tmp_path, "while True: pass", "loop")).result(SECONDS)


def test_what_code_prints_goes_to_the_log(runner, tmp_path, caplog):  # noqa: F811
    caplog.set_level(logging.INFO)
    opened = runner.open(with_code(tmp_path, "print('hello\\x1b[31m from code', flush=True)", "words")).result(SECONDS)
    assert opened.classes == 3
    until(lambda: any("hello [31m from code" in record.getMessage() for record in caplog.records))


def test_code_runs_only_where_its_worker_may(tmp_path):
    forbidding = running(LIMITS, runs_code=False)
    with pytest.raises(
        RefusedModel, match=r"may not run code here\. Whoever runs Vitrine can allow it with VITRINE_ALLOW_CODE=1"
    ):
        forbidding.open(with_code(tmp_path, "raise SystemExit", "forbidden")).result(SECONDS)
    forbidding.close()


def test_an_environment_that_allows_code_does_not_change_a_runner_that_forbids_it(tmp_path, monkeypatch):
    monkeypatch.setenv("VITRINE_ALLOW_CODE", "1")
    test_code_runs_only_where_its_worker_may(tmp_path)
