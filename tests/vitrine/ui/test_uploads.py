"""Uploaded files lie under names of our own, apart for each owner."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from functools import cache
from pathlib import Path

import pytest

from vitrine.ui import uploads
from xai_core.errors import DataError
from xai_core.types import ModelSource


def test_a_file_is_kept_under_its_digest() -> None:
    source = uploads.keep(io.BytesIO(b"weights"), "../../my model.pt", "tester")
    assert source.digest == hashlib.sha256(b"weights").hexdigest()
    assert Path(source.path).name == source.digest
    assert Path(source.path).read_bytes() == b"weights"
    assert source.name == "../../my model.pt"


def test_nobody_else_can_read_it() -> None:
    source = uploads.keep(io.BytesIO(b"weights"), "model.pt", "tester")
    assert stat.S_IMODE(Path(source.path).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(source.path).parent.stat().st_mode) == 0o700


def test_the_same_file_twice_is_one_file() -> None:
    first = uploads.keep(io.BytesIO(b"weights"), "a.pt", "tester")
    second = uploads.keep(io.BytesIO(b"weights"), "b.pt", "tester")
    assert first.path == second.path


def test_owners_do_not_share_and_can_be_forgotten() -> None:
    mine = uploads.keep(io.BytesIO(b"weights"), "a.pt", "me")
    yours = uploads.keep(io.BytesIO(b"weights"), "a.pt", "you")
    uploads.forget("me")
    assert not Path(mine.path).exists()
    assert Path(yours.path).exists()


def test_a_file_that_was_handed_over_outlives_its_first_owner() -> None:
    first = uploads.keep(io.BytesIO(b"weights"), "model.pt", "first")
    second = uploads.handed_over(first, "second")
    uploads.forget("first")
    assert (second.owner, second.digest, second.name) == ("second", first.digest, "model.pt")
    assert Path(second.path).read_bytes() == b"weights"


def test_a_file_can_be_handed_over_twice() -> None:
    source = uploads.keep(io.BytesIO(b"weights"), "model.pt", "first")
    assert uploads.handed_over(source, "second") == uploads.handed_over(source, "second")


def test_a_sample_that_all_share_is_not_handed_over() -> None:
    sample = ModelSource("/samples/model.pt", "model.pt", "digest")
    assert uploads.handed_over(sample, "somebody") is sample


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk of the machine that runs Vitrine is full"),
        (errno.EROFS, "This server cannot write to its folder"),
    ],
)
def test_a_full_disk_is_named_and_no_file_stays(monkeypatch, number, sentence) -> None:
    class Full(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(number, os.strerror(number))

    with pytest.raises(DataError, match=sentence):
        uploads.keep(Full(b"weights"), "a.pt", "full")
    folder = Path(uploads.keep(io.BytesIO(b"weights"), "a.pt", "full").path).parent
    assert len(list(folder.iterdir())) == 1


def test_a_folder_for_uploads_that_is_missing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_root", cache(uploads._root.__wrapped__))  # the folder of the other tests is kept
    monkeypatch.setenv("VITRINE_UPLOADS", str(tmp_path / "not yet" / "there"))
    kept = uploads.keep(io.BytesIO(b"weights"), "model.pt", "tester")
    assert Path(kept.path).is_relative_to(tmp_path / "not yet" / "there")
    assert (tmp_path / "not yet" / "there").stat().st_mode & 0o077 == 0


def test_a_folder_for_uploads_that_cannot_be_made_is_a_sentence_and_a_line_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uploads, "_root", uploads._root.__wrapped__)
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("VITRINE_UPLOADS", str(tmp_path / "file" / "uploads"))
    with pytest.raises(DataError, match="cannot write to its folder for uploaded files"):
        uploads.keep(io.BytesIO(b"weights"), "model.pt", "tester")
    assert "Not a directory" in caplog.text
