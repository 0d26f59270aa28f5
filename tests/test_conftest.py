"""Tests that need real models run only where these are; files that share something slow run in one process."""

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


@pytest.mark.parametrize(
    ("test", "group"),
    [
        ("tests/browser/test_bias.py::test_a[tests/x.py::b]", "the app"),
        ("tests/vitrine/cli/test_bad_files.py::test_a", "bad files"),
        ("tests/xai_core/test_model.py::test_a", "tests/xai_core/test_model.py"),
    ],
)
def test_a_file_stays_in_one_process_with_the_files_that_share_its_fixtures(test, group):
    assert conftest.FilesThatShare._split_scope(None, test) == group


def test_every_file_that_shares_something_exists():
    assert all((conftest.ROOT / path).exists() for path in conftest.SHARING)
