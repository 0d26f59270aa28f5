"""Code that came with a model runs once in a worker, however often the model is opened there."""

from __future__ import annotations

import sys

import pytest

from model_adapters.code.running import RunnableCode
from xai_core.model_code import ModelCode

COUNTED = "import sys\nsys.times_run = getattr(sys, 'times_run', 0) + 1\n"


@pytest.fixture
def runnable(tmp_path, monkeypatch):
    """Return a function that makes code runnable in this process, which is told that it may."""
    monkeypatch.setenv("VITRINE_ALLOW_CODE", "1")
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.setattr("sys.times_run", 0, raising=False)

    def of(text, name):
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
        (tmp_path / name).write_text(text)
        return lambda: RunnableCode(ModelCode(str(tmp_path / name), name, "ab" * 32), str(tmp_path))

    return of


def test_what_is_opened_again_for_another_task_finds_the_same_module(runnable):
    make = runnable(COUNTED, "opened_twice.py")
    first, second = make(), make()
    assert first.run(first.modules[0]) is second.run(second.modules[0])
    assert sys.times_run == 1
