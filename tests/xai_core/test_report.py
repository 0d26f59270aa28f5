from __future__ import annotations

import io
import json
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

import xai_core.filters
import xai_core.methods  # noqa: F401
from xai_core.filter import filter_named
from xai_core.method import method_named
from xai_core.pictures.files import Picture
from xai_core.preprocessing import Preprocessing
from xai_core.report import Explanation, as_zip, save, versions
from xai_core.types import Capability, Card, Estimate, InputSpec, ModelSource

H, W = 6, 9


@pytest.fixture
def maps():
    return np.random.default_rng(0).normal(size=(2, H, W)).astype(np.float32)


@pytest.fixture
def explanation(maps):
    return Explanation(
        source=ModelSource("/secret/folder/0001", "net.onnx", "ab" * 32),
        card=Card("onnx", "onnx", 3, InputSpec(H, W), Capability.PREDICT),
        preprocessing=Preprocessing(H, W),
        labels=("cat", "<b>dog</b>", "emu"),
        picture=Picture(np.full((60, 90, 3), 128, np.uint8), "grey.png", "cd" * 32, ("It was grey.",)),
        method=method_named("rise").fitted(None, {"seed": 7}),
        targets=np.array([2, 0]),
        probabilities=np.array([0.2, 0.1, 0.7], np.float32),
        estimate=Estimate(1.0, maps, {"error": (0.5, None)}, np.abs(maps)),
        seconds=1.23456,
    )


def with_filters(explanation, *filters):
    return Explanation(**{**vars(explanation), "filters": filters})


def test_saving_writes_the_map_its_picture_and_the_manifest(explanation, maps, tmp_path):
    save(explanation, tmp_path / "new" / "folder")
    read = np.load(tmp_path / "new/folder/attribution.npy")
    assert read.dtype == np.float32
    assert np.array_equal(read, maps[0])
    with Image.open(tmp_path / "new/folder/overlay.png") as drawn:
        assert drawn.size == (90, 60)
    assert json.loads((tmp_path / "new/folder/manifest.json").read_text("utf-8"))["target"] == 2


def test_every_target_has_its_own_files(explanation, maps):
    files = explanation.files()
    assert np.array_equal(np.load(io.BytesIO(files["attribution-0.npy"])), maps[1])
    assert "overlay-0.png" in files
    assert np.array_equal(np.load(io.BytesIO(files["standard_error.npy"])), np.abs(maps[0]))


def test_the_manifest_says_what_ran_on_what(explanation):
    manifest = explanation.manifest()
    assert manifest["method"] == "rise"
    assert manifest["parameters"] == explanation.method.values()
    assert manifest["parameters"]["seed"] == 7
    assert manifest["digests"] == {"model": "ab" * 32, "picture": "cd" * 32}
    assert manifest["seconds"] == 1.235
    assert manifest["preprocessing"]["height"] == H
    assert manifest["picture"] == {"name": "grey.png", "notes": ["It was grey."]}


@pytest.mark.parametrize(
    ("method", "framework", "precision"),
    [
        ("rise", "tensorflow", "bfloat16"),
        ("score_cam", "pytorch", "bfloat16"),
        ("saliency", "onnx", "bfloat16"),
        ("integrated_gradients", "tensorflow", "float32"),
        ("deeplift", "pytorch", "float32"),
        ("grad_cam", "pytorch", "float32"),
        ("lrp", "pytorch", "float32"),
    ],
)
def test_the_manifest_records_the_precision_that_was_used(explanation, method, framework, precision):
    card = Card(framework, "file", 3, InputSpec(H, W), Capability.PREDICT)
    changes = {"method": method_named(method)(), "card": card, "precision": "bfloat16"}
    assert Explanation(**{**vars(explanation), **changes}).manifest()["precision"] == precision


def test_the_manifest_lists_the_best_scores_with_their_labels(explanation):
    scores = explanation.manifest()["scores"]
    assert [(s["index"], s["label"]) for s in scores] == [(2, "emu"), (0, "cat"), (1, "<b>dog</b>")]
    assert scores[0]["probability"] == pytest.approx(0.7)


def test_the_manifest_holds_no_path_of_the_machine(explanation):
    assert b"secret" not in explanation.files()["manifest.json"]


@pytest.mark.parametrize("undefined", [None, float("nan"), float("inf")])
def test_an_undefined_diagnostic_becomes_null(explanation, maps, undefined):
    estimate = Estimate(1.0, maps, {"error": (undefined, 0.25)})
    changed = Explanation(**{**vars(explanation), "estimate": estimate})
    assert json.loads(changed.files()["manifest.json"])["diagnostics"] == {"error": [None, 0.25]}


def test_the_manifest_contains_notes_and_warnings(explanation, maps):
    noisy = Estimate(1.0, maps, standard_error=np.full_like(maps, maps.std() * 0.6), notes=("Few were drawn.",))
    manifest = Explanation(**{**vars(explanation), "estimate": noisy}).manifest()
    assert manifest["notes"] == ["Few were drawn."]
    assert "The model sees a picture of a single colour" in manifest["warnings"][0]
    assert any("of what the map of emu shows may be noise. Use more samples." in said for said in manifest["warnings"])


def test_filters_are_applied_in_order_and_listed(explanation, maps):
    absolute, clip = filter_named("absolute")(), filter_named("percentile_clip")(percentile=90.0)
    changed = with_filters(explanation, absolute, clip)
    assert np.array_equal(changed.maps, clip.apply(np.abs(maps)))
    assert changed.manifest()["filters"][1] == {"filter": "percentile_clip", "parameters": {"percentile": 90.0}}
    assert np.array_equal(np.load(io.BytesIO(changed.files()["attribution.npy"])), changed.maps[0])


def test_the_zip_holds_the_same_files(explanation):
    with zipfile.ZipFile(io.BytesIO(as_zip(explanation))) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == set(explanation.files())
        assert np.load(io.BytesIO(archive.read("attribution.npy"))).shape == (H, W)


def test_versions_are_read_without_importing_a_framework():
    before = set(sys.modules)
    assert {"vitrine", "python", "numpy", "keras"} <= set(versions("tensorflow"))
    assert "onnxruntime" in versions("onnx")
    assert not {"onnxruntime", "keras", "torch"} & (set(sys.modules) - before)


def test_an_unknown_framework_has_only_the_core_versions():
    assert set(versions("other")) == {"vitrine", "python", "numpy", "pillow"}
