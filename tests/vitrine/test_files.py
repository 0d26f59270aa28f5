"""Label files are as untrusted as tables: a process in the sandbox reads them."""

from __future__ import annotations

import zipfile

import pytest

from tests.fakes_parser import DirectParser
from vitrine import files
from vitrine.files import class_labels, model_source
from xai_core.errors import DataError


@pytest.fixture
def parser(monkeypatch):
    direct = DirectParser()
    monkeypatch.setattr(files, "shared_parser", lambda: direct)
    return direct


@pytest.mark.parametrize("ending", ["txt", "csv"])
def test_a_label_file_is_read_by_the_parser(parser, tmp_path, ending):
    path = tmp_path / f"names.{ending}"
    path.write_text("cat,1\ndog,2")
    assert class_labels(path, 2) == {"txt": ("cat,1", "dog,2"), "csv": ("cat", "dog")}[ending]
    assert parser.asked == ["read_labels"]


def test_names_that_are_in_memory_need_no_parser(parser):
    assert class_labels({1: "dog", 0: "cat"}, 2) == class_labels(["cat", "dog"], 2) == ("cat", "dog")
    assert parser.asked == []


def test_a_missing_label_file_is_named(parser, tmp_path):
    with pytest.raises(DataError, match=r"There is no label file called none\.txt that can be read\."):
        class_labels(tmp_path / "none.txt", 2)
    assert parser.asked == []


def test_a_folder_of_a_model_hub_is_packed_as_one_file(tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes(b"{}")
    source, held = model_source(tmp_path, None)
    with held, zipfile.ZipFile(source.path) as archive:
        assert archive.namelist() == ["config.json", "model.safetensors"]


def packed_names(folder):
    source, packed = model_source(folder, None)
    with packed, zipfile.ZipFile(source.path) as archive:
        return sorted(archive.namelist())


def test_a_folder_of_a_hub_is_packed_without_copies_of_its_weights(tmp_path):
    for name in ("config.json", "model.safetensors", "pytorch_model.bin", "tf_model.h5", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    assert packed_names(tmp_path) == ["config.json", "model.safetensors", "tokenizer.json"]


def test_links_into_the_cache_of_hugging_face_are_followed_and_no_others(tmp_path):
    cache, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "1a2b"
    cache.mkdir()
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (cache / name).write_bytes(b"{}")
        (snapshot / name).symlink_to(f"../../blobs/{name}")
    (tmp_path / "secret.json").write_bytes(b"{}")
    (snapshot / "secret.json").symlink_to("../../secret.json")
    assert packed_names(snapshot) == ["config.json", "model.safetensors"]
