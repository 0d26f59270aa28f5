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


def test_no_more_than_the_stock_can_be_spent_at_once(clock):
    allowance = Allowance(3, 1)
    assert [allowance.spend() for _ in range(4)] == [True, True, True, False]


def test_it_refills_up_to_the_stock_only(clock):
    allowance = Allowance(3, 1)
    assert allowance.spend(3)
    clock[0] += 2
    assert allowance.spend(2)
    clock[0] += 1000
    assert not allowance.spend(4)


def test_an_overdrawn_allowance_refills_from_below_zero(clock):
    allowance = Allowance(3, 1)
    assert not allowance.spend(5)
    clock[0] += 2
    assert not allowance.spend(1)
    allowance.refill()
    assert allowance.spend(3)
