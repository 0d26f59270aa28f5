"""Ledgers keep rows in files, whoever writes them, and forget the oldest."""

from __future__ import annotations

import os

import numpy as np
import pytest

from xai_core.jobs import memory
from xai_core.jobs.memory import SpooledMemory


@pytest.fixture
def spooled(tmp_path):
    return SpooledMemory(str(tmp_path), 1 << 20)


def rows(start, stop, classes=3):
    return np.arange(start * classes, stop * classes, dtype=np.float32).reshape(-1, classes)


def test_rows_come_back_as_they_went_in(spooled):
    ledger = spooled.ledger("key", 3)
    for start in range(0, 50, 7):
        ledger.append(rows(start, start + 7))
    np.testing.assert_array_equal(ledger.rows(5, 23), rows(5, 23))
    assert len(ledger) == 56


@pytest.mark.parametrize(("start", "stop"), [(0, 100), (8, 12), (3, 3), (5, 2)])
def test_rows_beyond_the_end_are_left_out_as_a_slice_does(spooled, start, stop):
    ledger = spooled.ledger("key", 3)
    ledger.append(rows(0, 10))
    np.testing.assert_array_equal(ledger.rows(start, stop), rows(0, 10)[start:stop])


def test_a_later_run_finds_the_rows_of_the_earlier_one(spooled):
    spooled.ledger("key", 3).append(rows(0, 10))
    assert len(spooled.ledger("key", 3)) == 10
    assert len(spooled.ledger("another key", 3)) == 0


def test_two_runs_that_take_turns_write_each_row_at_its_place(spooled):
    one, other = spooled.ledger("key", 3), spooled.ledger("key", 3)
    one.append(rows(0, 8))
    other.append(rows(0, 3))
    other.append(rows(3, 12))
    one.append(rows(8, 10))
    assert (len(one), len(other), len(spooled.ledger("key", 3))) == (10, 12, 12)
    np.testing.assert_array_equal(spooled.ledger("key", 3).rows(0, 12), rows(0, 12))


def test_rows_that_could_not_be_written_do_not_count(spooled, monkeypatch):
    ledger = spooled.ledger("key", 3)
    ledger.append(rows(0, 2))

    def full(*_):
        raise OSError("The disk is full.")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="full"):
        ledger.append(rows(2, 4))
    monkeypatch.undo()
    ledger.append(rows(2, 3))
    np.testing.assert_array_equal(ledger.rows(0, 9), rows(0, 3))


def test_rows_of_a_different_width_are_an_error(spooled):
    with pytest.raises(ValueError, match="Expected rows"):
        spooled.ledger("key", 3).append(rows(0, 2, classes=4))


def test_the_least_recently_used_ledger_is_forgotten(spooled):
    for number in range(memory.MOST_LEDGERS):
        spooled.ledger(str(number), 3).append(rows(0, 1))
    spooled.ledger("0", 3)
    spooled.ledger("one more", 3)
    assert [len(spooled.ledger(key, 3)) for key in ("0", "1")] == [1, 0]


def test_a_run_keeps_its_rows_when_its_ledger_is_forgotten(tmp_path):
    spooled = SpooledMemory(str(tmp_path), 100)
    old, new = spooled.ledger("old", 3), spooled.ledger("new", 3)
    old.append(rows(0, 5))
    new.append(rows(0, 50))
    assert len(spooled.ledger("old", 3)) == 0
    np.testing.assert_array_equal(old.rows(0, 5), rows(0, 5))


def test_files_are_closed_once_they_are_not_needed(spooled):
    before = len(os.listdir("/proc/self/fd"))
    for number in range(100):
        spooled.ledger(str(number), 3).append(rows(0, 1))
    assert len(os.listdir("/proc/self/fd")) <= before + memory.MOST_LEDGERS + 1


def test_of_too_many_sums_the_oldest_is_forgotten(spooled):
    for number in range(memory.MOST_SUMS):
        spooled.keep(f"run {number}", {"count": number})
    spooled.recall("run 0")
    spooled.keep("one more", {"count": 9})
    assert [bool(spooled.recall(key)) for key in ("run 0", "run 1", "one more")] == [True, False, True]


def test_sums_that_are_too_large_together_are_forgotten_but_for_the_last(spooled, monkeypatch):
    monkeypatch.setattr(memory, "MOST_SUM_BYTES", 100)
    for number in range(2):
        spooled.keep(f"run {number}", {"count": number, "sums": np.zeros(20)})
    assert [bool(spooled.recall(f"run {number}")) for number in range(2)] == [False, True]
