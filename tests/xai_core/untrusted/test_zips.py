"""The size of an archive's table of contents is checked before Python reads it."""

from __future__ import annotations

import struct
import zipfile

import pytest

from tests.bad_files.tables import zipped
from xai_core.errors import DataError
from xai_core.untrusted.zips import UNREADABLE, opened_zip


def test_an_archive_is_opened_from_bytes_and_from_a_path(tmp_path):
    data = zipped({"a": b"x", "b": b"y"})
    (tmp_path / "some.zip").write_bytes(data)
    assert opened_zip(data, 2).namelist() == opened_zip(tmp_path / "some.zip", 2).namelist() == ["a", "b"]


def test_too_many_entries_are_refused():
    with pytest.raises(DataError, match="The archive has 3 entries; at most 2 are read"):
        opened_zip(zipped(dict.fromkeys("abc", b"")), 2)


def test_a_long_table_of_contents_is_refused_before_it_is_read(monkeypatch):
    data = zipped({str(n): b"" for n in range(50)}, zipfile.ZIP_STORED)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(DataError, match="too many entries; at most 2 are read"):
        opened_zip(data, 2)


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 46])
def test_the_larger_end_of_an_archive_counts_whatever_the_smaller_one_claims(monkeypatch, claimed):
    """An archive of 4 GB has a second end, from which Python takes the size of the contents."""
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 9, 9, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, claimed, 0, 0)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(DataError, match="too many entries"):
        opened_zip(large + locator + end, 1_000)


@pytest.mark.parametrize("data", [b"", b"PK\5\6", b"PK\3\4" + bytes(100), zipped({"a": b"x"})[:-9]])
def test_an_archive_without_an_end_is_damaged(data):
    with pytest.raises(UNREADABLE):
        opened_zip(data, 10)
