"""Tests that need real models run only where these are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests import conftest


@pytest.fixture
def collected(monkeypatch, tmp_path):
    """Return a function that collects a test with `assets` and one without, where the folder is missing."""
    monkeypatch.setattr(conftest, "ASSETS", tmp_path / "missing")

    def collect():
        items = [SimpleNamespace(fixturenames=names) for names in (["assets"], ["tmp_path"])]
        conftest.pytest_collection_modifyitems(SimpleNamespace(stash={}), items)
        return [item.fixturenames for item in items]

    return collect


def test_without_the_folder_its_tests_are_left_out_in_any_ci(collected, monkeypatch):
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("VITRINE_REQUIRE_ASSETS", raising=False)
    assert collected() == [["tmp_path"]]


def test_where_the_folder_is_required_its_tests_stay_and_fail(collected, monkeypatch):
    monkeypatch.setenv("VITRINE_REQUIRE_ASSETS", "1")
    assert collected() == [["assets"], ["tmp_path"]]
    with pytest.raises(pytest.fail.Exception, match="folder of real models is missing"):
        conftest.assets.__wrapped__()
