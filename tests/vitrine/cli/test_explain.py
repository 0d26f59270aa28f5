from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from xai_core.filter import filter_named
from xai_core.services.preprocessing_guess import UNSAID


def test_the_files_hold_the_map_its_picture_and_what_ran(vitrine, resnet, picture, tmp_path):
    out = tmp_path / "result"
    shown = vitrine("explain", "rise", resnet, picture, "--samples", 200, "--seed", 5, "--target", 3, "--out", out)
    assert shown.status == 0, shown.err
    attribution = np.load(out / "attribution.npy")
    assert (attribution.shape, attribution.dtype) == ((32, 32), np.float32)
    with Image.open(out / "overlay.png") as drawn:
        assert drawn.size[0] >= 32
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert (manifest["target"], manifest["parameters"]["samples"], manifest["parameters"]["seed"]) == (3, 200, 5)
    assert {"scores", "digests", "versions", "seconds", "diagnostics"} <= set(manifest)


def test_what_is_assumed_about_the_preprocessing_is_said(vitrine, cnn, picture, tmp_path):
    shown = vitrine("explain", "occlusion", cnn, picture, "--patch", 16, "--stride", 16, "--out", tmp_path / "o")
    assert shown.status == 0
    assert shown.err.startswith(UNSAID)
    assert shown.err.endswith("is assumed. Set it with --preprocessing if predictions look wrong.\n")


def test_the_same_command_gives_the_same_map(vitrine, resnet, picture, tmp_path):
    for name in ("first", "second"):
        vitrine("explain", "rise", resnet, picture, "--samples", 200, "--out", tmp_path / name)
    first, second = (np.load(tmp_path / name / "attribution.npy") for name in ("first", "second"))
    assert np.array_equal(first, second)


def test_what_was_asked_before_is_remembered_unless_that_is_switched_off(
    vitrine, resnet, picture, tmp_path, monkeypatch
):
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "kept"))
    monkeypatch.setenv("VITRINE_CACHE_MB", "1")
    command = ("explain", "rise", resnet, picture, "--samples", 200, "--out", tmp_path / "o")
    said = [vitrine(*command, *more).out for more in ((), (), ("--no-cache",))]
    assert ["comes from an earlier run" in one for one in said] == [False, True, False]
    assert len(list((tmp_path / "kept").glob("*/*"))) == 1


def test_notes_and_warnings_follow_the_probabilities(vitrine, resnet, picture, tmp_path):
    words = ("--samples", 50, "--count", 60, "--superpixels", "grid", "--target", 3, "--out", tmp_path / "o")
    lines = vitrine("explain", "kernel_shap", resnet, picture, *words).out.splitlines()
    kinds = [line.split(":")[0] for line in lines]
    assert kinds[1] == "Note"
    assert "few for" in lines[1]
    assert "Warning" in kinds
    assert lines[-1].endswith("manifest.json")
    manifest = json.loads((tmp_path / "o/manifest.json").read_text("utf-8"))
    assert [f"Note: {note}" for note in manifest["notes"]] == [one for one in lines if one.startswith("Note")]
    assert [f"Warning: {said}" for said in manifest["warnings"]] == [one for one in lines if one.startswith("Warn")]


def test_the_precision_is_chosen_and_noted(vitrine, resnet, picture, tmp_path):
    words = ("explain", "occlusion", resnet, picture, "--patch", 16, "--stride", 8, "--out", tmp_path / "o")
    assert vitrine(*words, "--precision", "bfloat16").status == 0
    assert json.loads((tmp_path / "o/manifest.json").read_text("utf-8"))["precision"] == "bfloat16"
    assert "float64" in vitrine(*words, "--precision", "float64").sentence


def test_a_filter_changes_the_map_and_is_listed(vitrine, resnet, picture, tmp_path):
    words = ("explain", "occlusion", resnet, picture, "--patch", 8, "--stride", 4)
    vitrine(*words, "--out", tmp_path / "plain")
    shown = vitrine(*words, "--filter", "forgrad", "--sigma", 6, "--out", tmp_path / "smooth")
    assert shown.status == 0, shown.err
    plain, smooth = (np.load(tmp_path / name / "attribution.npy") for name in ("plain", "smooth"))
    assert np.allclose(smooth, filter_named("forgrad")(sigma=6.0).apply(plain[None])[0], atol=1e-6)
    manifest = json.loads((tmp_path / "smooth/manifest.json").read_text("utf-8"))
    assert manifest["filters"][0]["filter"] == "forgrad"


def test_a_target_may_be_named(vitrine, resnet, picture, tmp_path):
    (tmp_path / "labels.txt").write_text("\n".join("abcdefghij"))
    words = ("--labels", tmp_path / "labels.txt", "--target", "d", "--patch", 8, "--stride", 8, "--out", tmp_path / "o")
    assert vitrine("explain", "occlusion", resnet, picture, *words).status == 0
    assert json.loads((tmp_path / "o/manifest.json").read_text("utf-8"))["target"] == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("rise", "--samples", "5"), "Samples must be between 100 and 20,000; got 5."),
        (("occlusion", "--patch", "8", "--stride", "9"), "Stride must not exceed the patch"),
        (("occlusion", "--patch", "30"), "Patch must be between 4 and 16 px; got 30."),
        (("magic",), "There is no method called 'magic'; the methods are"),
        (("rise", "--sigma", "5"), "--sigma belongs to the filter forgrad; add --filter forgrad."),
        (("rise", "--filter", "blur"), "There is no filter called 'blur'; the filters are"),
        (("rise", "--filter", "forgrad", "--sigma", "40"), "Sigma must be between 1 and 16"),
        (("rise", "--target", "12"), "There is no class '12'"),
        (("saliency", "--steps", "12"), "Unrecognized arguments: --steps 12; see vitrine explain saliency --help."),
    ],
)
def test_wrong_parameters_end_in_one_sentence(vitrine, resnet, picture, tmp_path, words, sentence):
    method, *rest = words
    assert sentence in vitrine("explain", method, resnet, picture, *rest, "--out", tmp_path / "o").sentence
    assert not (tmp_path / "o").exists()


def test_a_folder_that_can_not_be_written_is_told(vitrine, resnet, picture):
    words = ("--patch", 8, "--stride", 8, "--out", picture / "below")
    assert "cannot be written" in vitrine("explain", "occlusion", resnet, picture, *words).sentence


@pytest.mark.long
def test_layers_are_chosen_by_name_and_an_unknown_one_is_a_sentence(vitrine, assets, picture, tmp_path):
    words = ("explain", "grad_cam", assets / "models/torch/mobilenet_v2-b0353104.pth", picture, "--out", tmp_path / "o")
    assert "got 'layer9'." in vitrine(*words, "--layers", "features.17,layer9").sentence
    shown = vitrine(*words, "--layers", "features.14,features.17")
    assert shown.status == 0, shown.err
    manifest = json.loads((tmp_path / "o/manifest.json").read_text("utf-8"))
    assert manifest["parameters"]["layers"] == ["features.14", "features.17"]
