"""Limits are read from the environment and differ by framework."""

from __future__ import annotations

import pytest

from xai_core.errors import JobError
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


def test_limits_scale_to_the_disk():
    limits = Limits(scratch_mb=4096, file_mb=2048, ledgers_mb=1024).on_disk(free_mb=4000)
    assert (limits.scratch_mb, limits.file_mb, limits.ledgers_mb) == (1000, 1000, 250)
    assert Limits().on_disk(free_mb=1 << 20) == Limits()


def test_a_full_disk_is_not_blamed_on_the_model():
    with pytest.raises(JobError, match="disk for temporary files is full: 12 MB are free"):
        Limits().on_disk(free_mb=12)
