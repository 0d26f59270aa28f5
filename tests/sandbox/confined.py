"""What the tests of the sandbox share: limits, runners of hostile models, the names of their attacks."""

from __future__ import annotations

import ast
import time
from dataclasses import replace
from pathlib import Path

import pytest

from xai_core.jobs.limits import Limits
from xai_core.jobs.local import LocalRunner, sandbox_in_force

HERE = Path(__file__).parent
SECONDS = 120
LIMITS = Limits(memory_mb=600, open_seconds=SECONDS, step_seconds=SECONDS, file_mb=16, scratch_mb=32, threads=100)
IMPATIENT = replace(LIMITS, open_seconds=2)  # for blows that last until somebody stops them; other fates have no clock
REFUSED = ("PermissionError", "Operation not permitted", "Permission denied", "Function not implemented")
CONFINED = pytest.mark.skipif(not sandbox_in_force().complete, reason="This kernel has no Landlock or no seccomp.")


def names(table, file="attacks"):
    """Return the keys of a table in a module that this process never imports."""
    for node in ast.parse((HERE / f"{file}.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == table:
            return [key.value for key in node.value.keys]
    raise KeyError(table)


def cases(found, long):
    """Return the names of attacks as parameters; `make test-long` runs those that are `long`, like another one."""
    assert set(long) <= set(found)
    return [pytest.param(name, marks=pytest.mark.long if name in long else ()) for name in found]


def until(true):
    """Wait until something is true, which a broken runner never makes it."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def hostile_runner(limits):
    return LocalRunner("hostile_adapters", limits, most_processes=3, extra_path=[str(HERE)])


def runner_of(limits, running=hostile_runner):
    """Return a fixture: a runner of a module, closed after its tests."""

    @pytest.fixture(scope="module")
    def runner():
        made = running(limits)
        yield made
        made.close()

    return runner


def source_of(write):
    """Return a fixture that turns an attack, and its victim, into a source, by write(folder, words, owner)."""

    @pytest.fixture(scope="module")
    def source(tmp_path_factory):
        def named(name, victim=""):
            return write(tmp_path_factory.mktemp("models"), f"{name}\n{victim}" if victim else name, name)

        return named

    return source


def told_by(runner, source):
    """Return what became of each try of a list, by its name."""
    return dict(note.split(": ", 1) for note in runner.open(source).result(SECONDS).notes)
