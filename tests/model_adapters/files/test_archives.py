"""Archives are checked before use and counted while they are unpacked."""

from __future__ import annotations

import io
import random
import stat
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest

from model_adapters.files import archives
from xai_core.errors import RefusedModel

EVIL_NAMES = ["../outside", "/etc/outside", "a/../../outside", "C:/outside", "a\\..\\outside"]


def zip_of(path, entries, compression=zipfile.ZIP_STORED):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", compression) as archive:
        warnings.simplefilter("ignore")  # zipfile warns of doubled names
        for name, data in entries:
            archive.writestr(name, data)
    return str(path)


def tar_of(path, entries, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return str(path)


def unpacked(path, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    archives.unpack(path, str(target))
    return {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_files_come_out_as_they_went_in(pack, tmp_path):
    entries = {"model/saved_model.pb": b"graph", "model/variables/data": random.Random(0).randbytes(3_000_000)}
    assert unpacked(pack(tmp_path / "archive", entries.items()), tmp_path) == entries


@pytest.mark.parametrize("pack", [zip_of, tar_of])
@pytest.mark.parametrize("name", EVIL_NAMES)
def test_a_path_that_leads_outside_is_refused(pack, name, tmp_path):
    with pytest.raises(RefusedModel, match="unsafe path"):
        unpacked(pack(tmp_path / "archive", [(name, b"x")]), tmp_path)
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_two_entries_of_one_name_are_refused(pack, tmp_path):
    with pytest.raises(RefusedModel, match="same name"):
        unpacked(pack(tmp_path / "archive", [("a", b"1"), ("a", b"2")]), tmp_path)


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_a_file_that_is_a_folder_too_is_refused(pack, tmp_path):
    with pytest.raises(RefusedModel, match="same name"):
        unpacked(pack(tmp_path / "archive", [("a", b"1"), ("a/b", b"2")]), tmp_path)


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(RefusedModel, match="link"):
        unpacked(zip_of(tmp_path / "archive", [(info, "/etc/passwd")]), tmp_path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_link_or_device_in_a_tar_is_refused(kind, tmp_path):
    with tarfile.open(tmp_path / "archive", "w") as archive:
        info = tarfile.TarInfo("entry")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(RefusedModel, match="link or a special file"):
        unpacked(str(tmp_path / "archive"), tmp_path)


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path):
    path = zip_of(tmp_path / "archive", [("zeros", bytes(20 << 20))], zipfile.ZIP_DEFLATED)
    with pytest.raises(RefusedModel, match=r"would unpack to 20 MB from \d+ KB"):
        unpacked(path, tmp_path)


def test_a_tar_bomb_is_refused_before_its_bytes_are_read(tmp_path):
    path = tar_of(tmp_path / "archive", [("zeros", bytes(20 << 20))])
    with pytest.raises(RefusedModel, match="would unpack to 20 MB"):
        unpacked(path, tmp_path)


def test_many_small_entries_count_together(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED", 5000)
    with pytest.raises(RefusedModel, match="which is the limit"):
        unpacked(zip_of(tmp_path / "archive", [(str(i), bytes(1000)) for i in range(6)]), tmp_path)


def test_real_bytes_count_and_not_declared_ones(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "archive", [("a", bytes(1000)), ("b", bytes(1000))])
    monkeypatch.setattr(archives, "_check", lambda entries, packed: None)
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1500)
    with pytest.raises(RefusedModel, match="unpacks to more"):
        unpacked(path, tmp_path)


def test_too_many_entries_are_refused(tmp_path):
    path = zip_of(tmp_path / "archive", [(str(i), b"") for i in range(archives.MAX_ENTRIES + 1)])
    with pytest.raises(RefusedModel, match="more than 5000 entries"):
        unpacked(path, tmp_path)


def test_a_changed_byte_is_noticed(tmp_path):
    path = tmp_path / "archive"
    data = bytearray(Path(zip_of(path, [("a", b"weights" * 100)])).read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(RefusedModel, match="damaged or cut short"):
        unpacked(str(path), tmp_path)


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_an_archive_cut_short_is_refused(pack, tmp_path):
    path = tmp_path / "archive"
    whole = Path(pack(path, [("a", bytes(range(256)) * 40)])).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RefusedModel, match="damaged or cut short"):
        unpacked(str(path), tmp_path)
