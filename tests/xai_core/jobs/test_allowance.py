"""An allowance is spent and refills with time."""

from __future__ import annotations

import time

import pytest

from xai_core.jobs.allowance import Allowance


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_so_many_at_once_and_no_more(clock):
    allowance = Allowance(3, 1)
    assert [allowance.spend() for _ in range(4)] == [True, True, True, False]


def test_it_refills_to_the_brim_only(clock):
    allowance = Allowance(3, 1)
    assert allowance.spend(3)
    clock[0] += 2
    assert allowance.spend(2)
    clock[0] += 1000
    assert not allowance.spend(4)


def test_a_debt_is_paid_first(clock):
    allowance = Allowance(3, 1)
    assert not allowance.spend(5)
    clock[0] += 2
    assert not allowance.spend(1)
    allowance.refill()
    assert allowance.spend(3)
