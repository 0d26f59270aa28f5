"""Folders for temporary files: their names cannot be guessed, and those of killed processes are removed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from xai_core.jobs import folders

KEEPER = """
import sys
from xai_core.jobs.folders import private_folder
print(private_folder("x", sys.argv[1]), flush=True)
sys.stdin.read()
"""


@contextmanager
def keeper(parent):
    """Start a process that makes a folder and lives until its input ends; yield it and the folder."""
    command = [sys.executable, "-c", KEEPER, str(parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()


@pytest.fixture
def no_folder_is_fresh(monkeypatch):
    monkeypatch.setattr(folders, "FRESH_SECONDS", -1.0)


def test_a_folder_is_private_and_has_a_long_random_name(tmp_path):
    first, second = (folders.private_folder("worker", str(tmp_path)) for _ in range(2))
    assert os.stat(first).st_mode & 0o777 == os.stat(os.path.dirname(first)).st_mode & 0o777 == 0o700
    assert first != second
    assert os.path.dirname(first) == os.path.dirname(second)
    for part in (os.path.basename(first), os.path.basename(os.path.dirname(first))):
        assert len(bytes.fromhex(part.rpartition("-")[2])) == 16


def test_a_process_removes_its_folders_when_it_ends(tmp_path):
    with keeper(tmp_path) as (_, made):
        assert os.path.isdir(made)
    assert list(tmp_path.iterdir()) == []


def test_the_folders_of_a_killed_process_are_removed_by_the_next(tmp_path, no_folder_is_fresh):
    with keeper(tmp_path) as (process, left):
        process.kill()
    assert os.path.isdir(left)
    folders.private_folder("worker", str(tmp_path))
    assert not os.path.exists(os.path.dirname(left))


def test_the_folders_of_a_running_process_stay(tmp_path, no_folder_is_fresh):
    with keeper(tmp_path) as (_, kept):
        folders.private_folder("worker", str(tmp_path))
        assert os.path.isdir(kept)


def test_a_folder_without_a_lock_stays_while_it_is_fresh(tmp_path):
    fresh = tmp_path / f"vitrine-{'0' * 32}"
    fresh.mkdir()
    folders.private_folder("worker", str(tmp_path))
    assert fresh.is_dir()


def test_other_folders_stay(tmp_path, no_folder_is_fresh):
    other = tmp_path / "vitrine-of-another-kind"
    other.mkdir()
    folders.private_folder("worker", str(tmp_path))
    assert other.is_dir()


def test_a_folder_is_removed_whatever_its_rights(tmp_path):
    dark = tmp_path / "folder" / "dark"
    dark.mkdir(parents=True)
    (dark / "file").write_bytes(b"x")
    dark.chmod(0)
    folders.remove_folder(str(tmp_path / "folder"))
    assert not (tmp_path / "folder").exists()


def test_a_folder_that_cannot_be_removed_is_left_without_an_error(tmp_path, monkeypatch):
    def no_process(*args, **options):
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(folders.shutil, "rmtree", lambda path, ignore_errors: None)
    monkeypatch.setattr(folders.subprocess, "run", no_process)
    folders.remove_folder(str(tmp_path))
    assert tmp_path.is_dir()
