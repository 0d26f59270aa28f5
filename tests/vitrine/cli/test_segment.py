"""vitrine segment and explain with a network that labels every pixel by its colour."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from tests.segmenters import COLOURS, SIDE, ByColour, picture, red_box
from xai_core.services.preprocessing_guess import UNSAID


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model, its preprocessing and labels, a picture, and the true class of each pixel."""
    folder = tmp_path_factory.mktemp("segment")
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated
        torch.jit.trace(ByColour().eval(), torch.rand(1, 3, SIDE, SIDE), check_trace=False).save(folder / "model.pt")
    Image.fromarray(picture()).save(folder / "red box.png")
    Image.fromarray(np.where(red_box(), 0, 1).astype(np.uint8)).save(folder / "truth.png")
    (folder / "way.json").write_text(json.dumps({"height": SIDE, "width": SIDE, "mean": [0, 0, 0], "std": [1, 1, 1]}))
    (folder / "labels.txt").write_text("\n".join(COLOURS))
    return folder


def asked(vitrine, files, command, *more):
    settings = ["--preprocessing", files / "way.json", "--labels", files / "labels.txt"]
    outcome = vitrine(*command, files / "model.pt", files / "red box.png", *settings, *more)
    assert outcome.status == 0, outcome.err
    return outcome.out


@pytest.mark.long
def test_the_classes_are_printed_with_their_agreement(vitrine, files):
    (entry,) = json.loads(asked(vitrine, files, ["segment"], "--label-map", files / "truth.png", "--json"))
    assert [row["label"] for row in entry["classes"]] == ["green", "red"]
    assert entry["label_map"]["mean_iou"] > 0.9


def test_what_is_assumed_about_the_preprocessing_is_said(vitrine, files):
    shown = vitrine("segment", files / "model.pt", files / "red box.png")
    assert shown.status == 0
    assert shown.err.startswith(UNSAID)
    assert shown.err.endswith("is assumed. Set it with --preprocessing if predictions look wrong.\n")


@pytest.mark.long
def test_a_region_is_explained_and_named_in_the_record(vitrine, files, tmp_path):
    asked(vitrine, files, ["explain", "saliency"], "--target", "red", "--region", "20,20", "--out", tmp_path)
    record = json.loads((tmp_path / "manifest.json").read_text())
    assert record["region"]["words"] == "the connected region at (20, 20)"
    heatmap = np.abs(np.load(tmp_path / "attribution.npy"))
    assert heatmap[red_box()].sum() > 0.8 * heatmap.sum()


@pytest.mark.long
def test_predict_says_what_to_use_instead(vitrine, files):
    outcome = vitrine("predict", files / "model.pt", files / "red box.png")
    assert outcome.status == 3
    assert "labels every pixel (segmentation). For a segmentation network, use vitrine segment" in outcome.err
