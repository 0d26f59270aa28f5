"""A folder of runs offers its own files only, and reads them as far as they are written."""

from __future__ import annotations

import os

import pytest

from xai_core.errors import DataError
from xai_core.training.reading import read_history
from xai_core.training.runs import RunFolder

TABLE = "instance_id,epoch,pred,actual\na,0,1,1\na,1,0,1\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "run.csv").write_text(TABLE)
    return RunFolder(tmp_path / "runs")


def test_histories_are_offered_the_newest_first_and_nothing_else(folder, tmp_path):
    (tmp_path / "secret.csv").write_text(TABLE)
    (folder.path / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder.path / "notes.txt").write_text("no history")
    (folder.path / "run.npz.part").write_text("half")
    (folder.path / "older.json").write_text("{}")
    os.utime(folder.path / "older.json", (1, 1))
    assert folder.names() == ("run.csv", "older.json")


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "link.csv", "absent.csv"])
def test_no_other_file_can_be_read(folder, tmp_path, name):
    (tmp_path / "secret.csv").write_text(TABLE)
    (folder.path / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(DataError, match="This server has no run named"):
        folder.read(name, read_history)
    assert folder.stamp(name) is None


def test_a_file_that_grows_changes_its_stamp_and_is_read_without_its_half_line(folder):
    before = folder.stamp("run.csv")
    with (folder.path / "run.csv").open("a") as file:
        file.write("a,2,1,1\na,3,0")
    assert folder.stamp("run.csv") != before
    found = folder.read("run.csv", read_history)
    assert (found.name, found.epochs) == ("run", ("0", "1", "2"))


def test_a_folder_that_is_not_there_offers_nothing(tmp_path):
    assert RunFolder(tmp_path / "absent").names() == ()
