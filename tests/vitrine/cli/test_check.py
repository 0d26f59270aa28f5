from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch


def test_a_model_is_described_with_what_it_can_do(vitrine, cnn):
    shown = vitrine("check", cnn)
    assert shown.status == 0
    assert "cnn.onnx" in shown.out
    assert "32 x 32 pixels, 3 channels" in shown.out
    assert "rise" in shown.out


def test_a_name_says_nothing_about_the_format(vitrine, cnn, tmp_path):
    copy = tmp_path / "holiday.jpeg"
    copy.write_bytes(cnn.read_bytes())
    assert "Framework:     ONNX\n" in vitrine("check", copy).out


def test_what_else_a_checkpoint_says_is_printed(vitrine, classifier, tmp_path):
    weights = torch.load(classifier, weights_only=True)
    torch.save({"state_dict": weights, "epoch": 3}, tmp_path / "checkpoint.pt")
    assert "File says:     epoch = 3\n" in vitrine("check", tmp_path / "checkpoint.pt").out


def test_a_folder_without_a_model_is_refused(vitrine, cnn, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/model.onnx").write_bytes(cnn.read_bytes())
    (tmp_path / "notes.txt").write_text("a folder of many things")
    sentence = vitrine("check", tmp_path).sentence_of(3)
    assert sentence.startswith(f"The folder {tmp_path.name} contains no SavedModel, no .onnx file and no config.json.")


@pytest.mark.long
def test_a_folder_is_taken_as_one_model(vitrine, cnn, tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(cnn.read_bytes())
    assert "Classes:       10" in vitrine("check", folder).out


@pytest.mark.parametrize(
    "content", [b"", b"Roses are red\n" * 50, b"<!doctype html><html></html>", b"PK\x03\x04 cut short"]
)
def test_what_is_no_model_ends_in_one_sentence(vitrine, tmp_path: Path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert str(tmp_path) not in vitrine("check", path).sentence_of(3)


def test_an_upload_that_was_cut_short_is_told(vitrine, cnn, tmp_path):
    path = tmp_path / "half.onnx"
    path.write_bytes(cnn.read_bytes()[:20_000])
    assert vitrine("check", path).sentence_of(3)


def test_an_archive_without_a_model_is_told(vitrine, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("readme.txt", "no model")
    assert vitrine("check", tmp_path / "photos.zip").sentence_of(3)


def test_a_bare_state_dict_of_no_known_architecture_is_told_what_to_do(vitrine, small_models):
    sentence = vitrine("check", small_models / "cnn.pth").sentence_of(3)
    assert "TorchScript" in sentence
    assert "such as torchvision/resnet18" in sentence
    assert sentence.endswith("Repeat the command with --architecture NAME, or with --code FILE.")


def test_a_detector_is_told_from_a_classifier(vitrine, detector):
    shown = vitrine("check", detector.path)
    assert shown.status == 0, shown.err
    lines = [line.split(":", 1) for line in shown.out.splitlines()]
    facts = {name: value.strip() for name, value in lines}
    assert (facts["Task"], facts["Architecture"]) == ("detector", "torchvision/fasterrcnn_mobilenet_v2_fpn")
    assert facts["Classes"].startswith("10, ")
    assert {"ablationcam", "drise"} <= {value.strip() for name, value in lines if name == "Method"}
    assert facts["Level"].startswith("pool, ")


@pytest.mark.long
def test_a_model_is_opened_for_the_task_that_a_person_names(vitrine, detector, classifier):
    assert "use vitrine detect" in vitrine("check", detector.path, "--task", "classify").sentence_of(3)
    assert "use vitrine predict" in vitrine("check", classifier, "--task", "detect").sentence_of(3)
