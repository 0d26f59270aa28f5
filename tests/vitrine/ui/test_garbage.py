"""Collecting garbage after each run of a page does not look through what imports left."""

from __future__ import annotations

import gc
import sys
import weakref
from types import ModuleType

import pytest

from vitrine.ui import garbage


@pytest.fixture(autouse=True)
def nothing_spared(monkeypatch):
    monkeypatch.setattr(garbage, "_spared", 0)


def test_what_modules_hold_is_not_traversed_again():
    garbage.spare_modules()
    assert len(gc.get_objects()) < 1000 < gc.get_freeze_count()


def test_without_new_modules_nothing_else_is_spared():
    garbage.spare_modules()
    kept = [[] for _ in range(5000)]
    garbage.spare_modules()
    assert any(thing is kept for thing in gc.get_objects())


def test_modules_imported_later_are_spared_too(monkeypatch):
    garbage.spare_modules()
    later = ModuleType("later")
    later.values = [[] for _ in range(5000)]
    monkeypatch.setitem(sys.modules, "later", later)
    garbage.spare_modules()
    assert not any(thing is later.values for thing in gc.get_objects())


def test_existing_garbage_is_collected_first():
    module = ModuleType("circle")
    module.itself, seen = module, weakref.ref(module)
    del module
    garbage.spare_modules()
    assert seen() is None


def a_circle() -> weakref.ref:
    module = ModuleType("circle")
    module.itself = module
    return weakref.ref(module)


def test_what_closed_tabs_left_is_collected_at_once_when_memory_is_given_back():
    gc.disable()
    circle = a_circle()
    garbage.give_back()
    gc.enable()
    assert circle() is None


def test_memory_that_was_spared_while_a_tab_held_it_is_given_back_too():
    module = ModuleType("circle")
    module.itself, circle = module, weakref.ref(module)
    garbage.spare_modules()
    del module
    gc.collect()
    assert circle() is not None
    garbage.give_back()
    assert circle() is None


def test_garbage_of_runs_is_collected_once_in_a_while(monkeypatch):
    garbage.tidy()
    circle = a_circle()
    monkeypatch.setattr(garbage, "_spared", len(sys.modules))
    garbage.tidy()
    assert circle() is not None
    monkeypatch.setattr(garbage, "_collected", float("-inf"))
    garbage.tidy()
    assert circle() is None
