"""Files are told apart by content, and each that is no model gets its own sentence."""

from __future__ import annotations

import io
import json
import pickle
import re
import struct
import subprocess
import sys
import tarfile
import zipfile

import h5py
import pytest

from model_adapters.files import keras_files, preflight
from xai_core.errors import RefusedModel
from xai_core.types import FileKind

ASSET_KINDS = {
    "torch/mobilenet_v2-b0353104.pth": FileKind("torch-weights", "pytorch"),
    "torch/resnet20_cifar10.pth": FileKind("torch-weights", "pytorch"),
    "torch/resnet20_cifar10_torchscript.pt": FileKind("torchscript", "pytorch"),
    "detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth": FileKind("torch-weights", "pytorch"),
    "detection/FastestDet.onnx": FileKind("onnx", "onnx"),
    "detection/face-RFB-320.onnx": FileKind("onnx", "onnx"),
    "onnx/efficientnet_lite0.onnx": FileKind("onnx", "onnx"),
    "keras/mobilenet_v2_imagenet.keras": FileKind("keras", "tensorflow"),
    "keras/cifar10_cnn.h5": FileKind("keras-h5", "tf_keras"),
}
SMALL_KINDS = {
    "cnn.pth": FileKind("torch-weights", "pytorch"),
    "cnn.pt": FileKind("torchscript", "pytorch"),
    "cnn.onnx": FileKind("onnx", "onnx"),
    "cnn.keras": FileKind("keras", "tensorflow"),
    "cnn.h5": FileKind("keras-h5", "tensorflow"),
}
LOOKALIKES = {
    b"": "The file is empty",
    b"<!DOCTYPE html><html>": "This is a web page",
    b"\xef\xbb\xbf\n <html lang=en>": "This is a web page",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n": "Git LFS pointer",
    b"\x89PNG\r\n\x1a\n" + bytes(20): r"This is a picture \(PNG\)",
    b"\xff\xd8\xff\xe0\0\x10JFIF": r"This is a picture \(JPEG\)",
    b"RIFF\1\2\3\4WEBPVP8 ": r"This is a picture \(WebP\)",
    "ein Satz über Käse\n".encode() * 400: "This is a text file, not a model",
    b"{'layers': 3}": "This is a text file, not a model",
    b"\x7fELF\2\1\1" + bytes(40): "not a known model file",
    b"\x0a\x40\x0a" + b"\xff" * 9 + b"\x01" + bytes(54): "not a known model file",
    b"\x1f\x8b\x08" + bytes(40): "archive is damaged",
    pickle.dumps({"a": 1}): "plain Python pickle",
    pickle.dumps(print): "needs to run: builtins.print",
    b"\x80\x04\x95\xff": "pickle inside the file is damaged",
}


def refusal(content, tmp_path, name="model.onnx"):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RefusedModel) as caught:
        preflight.inspect(str(path))
    assert str(tmp_path) not in str(caught.value)
    return str(caught.value)


def packed(*names, root=""):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(root + name, b"x")
    return content.getvalue()


@pytest.mark.parametrize("name", ASSET_KINDS)
def test_a_real_model_is_recognised_by_its_content(name, assets, tmp_path):
    assert kind_without_a_name(assets / "models" / name, tmp_path) == ASSET_KINDS[name]


@pytest.mark.parametrize("name", SMALL_KINDS)
def test_a_small_model_is_recognised_by_its_content(name, small_models, tmp_path):
    assert kind_without_a_name(small_models / name, tmp_path) == SMALL_KINDS[name]


def kind_without_a_name(path, tmp_path):
    unnamed = tmp_path / "upload"
    unnamed.symlink_to(path.resolve())
    return preflight.inspect(str(unnamed))


@pytest.mark.parametrize("content", LOOKALIKES, ids=lambda content: repr(content[:12]))
def test_what_is_no_model_is_told_by_a_sentence(content, tmp_path):
    assert re.search(LOOKALIKES[content], refusal(content, tmp_path))


def test_a_folder_is_to_be_packed(tmp_path):
    with pytest.raises(RefusedModel, match="Pack it as one zip"):
        preflight.inspect(str(tmp_path))


def test_a_saved_model_may_come_as_zip_or_tar(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(packed("saved_model.pb", "variables/variables.index", root="net/"))
    assert preflight.inspect(str(path)) == FileKind("savedmodel", "tensorflow")
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("net/saved_model.pb"))
    assert preflight.inspect(str(path)).format == "savedmodel"


def test_an_onnx_file_with_its_weights_may_come_as_zip(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(packed("net.onnx", "net.onnx.data"))
    assert preflight.inspect(str(path)) == FileKind("onnx-zip", "onnx")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("a.onnx", "b.onnx"), "holds 2 .onnx files"),
        (("best.pth", "readme.txt"), "Unpack it and use that file"),
        (("readme.txt",), "not a PyTorch, Keras, ONNX or SavedModel"),
        (("archive_format", "data/x.so"), "compiled code"),
        (("archive_format", "models/model.json"), "can run code when opened"),
    ],
)
def test_other_archives_are_refused_with_the_way_out(names, sentence, tmp_path):
    assert sentence in refusal(packed(*names, root="m/"), tmp_path)


def test_the_graph_of_a_saved_model_alone_is_not_enough(tmp_path):
    assert "Pack its whole folder" in refusal(b"\x08\x01\x12\x02ab", tmp_path)


def test_an_onnx_file_cut_short_is_damaged(small_models, tmp_path):
    whole = (small_models / "cnn.onnx").read_bytes()
    assert "damaged or cut short" in refusal(whole[: len(whole) // 2], tmp_path)


def safetensors(header, body):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def test_safetensors_must_be_as_long_as_their_header_says(tmp_path):
    entry = {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    path = tmp_path / "upload"
    path.write_bytes(safetensors(entry, bytes(8)))
    assert preflight.inspect(str(path)) == FileKind("safetensors", "pytorch")
    assert "cut short" in refusal(safetensors(entry, bytes(7)), tmp_path)
    assert "header is damaged" in refusal(safetensors(entry, bytes(8)).replace(b"}}", b"}]"), tmp_path)


def test_trust_is_a_choice_of_whoever_runs_the_app(tmp_path, monkeypatch):
    path = tmp_path / "upload"
    path.write_bytes(pickle.dumps(print))
    monkeypatch.setenv(preflight.TRUST_PICKLE, "1")
    kind = preflight.inspect(str(path))
    assert kind.format == "torch-pickle"
    assert "on trust" in kind.notes[0]


def test_names_from_a_pickle_are_made_harmless(tmp_path):
    content = b"\x80\x02c<img src=x>\nf" + b"o" * 500 + b"\n)R."
    sentence = refusal(content, tmp_path)
    assert "<" not in sentence
    assert len(sentence) < 400


def test_preflight_imports_no_framework():
    heavy = {"numpy", "torch", "onnx", "keras"}
    code = f"import sys, model_adapters.files.preflight; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert set(json.loads(found.replace("'", '"'))) <= {"numpy"}


@pytest.mark.parametrize("content", [b"some notes", bytes(60)], ids=["text", "zeros"])
def test_only_formats_that_open_for_the_task_are_suggested(content, tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(content)
    for task, keras in (("classify", True), ("detect", False)):
        with pytest.raises(RefusedModel) as caught:
            preflight.inspect(str(path), task)
        assert "a PyTorch state dict, safetensors" in str(caught.value)
        assert ("Keras" in str(caught.value)) is keras


def keras_h5(path, version):
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        file.attrs["model_config"] = "{}"
    return path


@pytest.mark.parametrize(("version", "framework"), [("2.15.0", "tf_keras"), ("3.4.1", "tensorflow")])
def test_the_keras_that_wrote_a_file_decides_which_one_opens_it(version, framework, tmp_path):
    path = keras_h5(tmp_path / "upload", version)
    assert preflight.inspect(str(path)) == FileKind("keras-h5", framework)


def test_without_tf_keras_files_of_keras_2_are_tried_with_keras_3(tmp_path, monkeypatch):
    monkeypatch.setattr(keras_files, "has_tf_keras", lambda: False)
    path = keras_h5(tmp_path / "upload", "2.4.0")
    assert preflight.inspect(str(path)) == FileKind("keras-h5", "tensorflow")


def test_a_keras_file_may_come_with_its_labels(tmp_path):
    inner = keras_h5(tmp_path / "keras_model.h5", "2.4.0")
    path = tmp_path / "converted_keras.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "keras_model.h5")
        archive.writestr("__MACOSX/._keras_model.h5", b"\0\5\x16\7")
        archive.writestr("labels.txt", "0 cat\n1 dog\n")
    assert preflight.inspect(str(path)) == FileKind("keras-h5-zip", "tf_keras")
