"""Limits are read from the environment and differ by framework."""

from __future__ import annotations

import pytest

from xai_core.jobs.limits import MEMORY, Limits


def test_the_environment_may_raise_limits():
    given = {"VITRINE_MEMORY_MB": "7000", "VITRINE_OPEN_SECONDS": "80", "VITRINE_STEP_SECONDS": "90"}
    limits = Limits.from_environment(given)
    assert limits.memory("pytorch").smaller_mb == 7000
    assert limits.memory("pytorch").resident_mb == 8000
    assert (limits.step_seconds, limits.open_seconds) == (90, 80)


def test_an_empty_environment_leaves_the_defaults():
    assert Limits.from_environment({}) == Limits()
    assert Limits().memory("tensorflow") is MEMORY["tensorflow"]


@pytest.mark.parametrize("text", ["0", "-3", "much", "nan", "inf"])
def test_a_limit_that_is_no_number_above_zero_is_an_error(text):
    with pytest.raises(ValueError, match="VITRINE_MEMORY_MB must be a number above zero"):
        Limits.from_environment({"VITRINE_MEMORY_MB": text})
