"""Engines that do not read OpenMP's variable still run on as many threads as it says."""

from __future__ import annotations

import pytest

from model_adapters.common.threads import threads_wanted


@pytest.mark.parametrize(("text", "threads"), [("3", 3), ("", 0), ("0", 0), ("2,1", 0)])
def test_a_count_is_read_and_anything_else_leaves_the_choice_to_the_engine(text, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert threads_wanted() == threads


def test_a_missing_variable_leaves_the_choice_to_the_engine(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads_wanted() == 0
