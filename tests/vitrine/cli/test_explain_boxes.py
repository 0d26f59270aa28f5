from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xai_core.filter import filter_named

SIZE = (256, 256)  # pixels of the scene


@pytest.fixture
def explain(vitrine, detector, scene, tmp_path):
    """Explain boxes of the scene with a quick method; return what the command left and its folder."""

    def run(*words, method="box_gradcam"):
        out = tmp_path / "answer"
        return vitrine("explain", method, detector.path, scene.path, *words, "--out", out), out

    return run


def manifest_in(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def map_in(folder: Path, ending: str = "") -> np.ndarray:
    return np.load(folder / f"attribution{ending}.npy")


def test_without_a_number_the_best_box_is_explained(explain, vitrine, detector, scene):
    shown, out = explain()
    assert shown.status == 0, shown.err
    assert map_in(out).shape == SIZE
    with Image.open(out / "overlay.png") as drawn:
        assert drawn.size == SIZE
    best = json.loads(vitrine("detect", detector.path, scene.path, "--json").out)[0]["boxes"][0]
    assert json.loads((out / "boxes.json").read_text("utf-8")) == manifest_in(out)["targets"] == [best]
    assert shown.out.startswith("   1   99.")


def test_boxes_are_explained_by_the_numbers_that_detect_prints(explain):
    shown, out = explain("--box", 3, "--box", 1, "--box", 3)
    assert shown.status == 0, shown.err
    assert [target["number"] for target in manifest_in(out)["targets"]] == [3, 1]
    assert {path.name for path in out.iterdir()} == {
        *("attribution.npy", "attribution-1.npy", "overlay.png", "overlay-1.png"),
        *("boxes.json", "manifest.json"),
    }
    peak = np.unravel_index(map_in(out).argmax(), SIZE)
    left, top, right, bottom = np.array(manifest_in(out)["targets"][0]["box"])
    assert top <= peak[0] <= bottom
    assert left <= peak[1] <= right


def test_parameters_filters_and_the_part_inside_the_box_are_as_asked(explain):
    _, out = explain("--aspect", "left", "--no-positive-only")
    plain = map_in(out)
    shown, out = explain("--aspect", "left", "--no-positive-only", "--filter", "absolute", "--inside")
    assert shown.status == 0, shown.err
    manifest = manifest_in(out)
    assert (manifest["parameters"]["aspect"], manifest["inside"]) == ("left", True)
    assert [step["filter"] for step in manifest["filters"]] == ["absolute"]
    cut, whole = map_in(out), filter_named("absolute")().apply(plain[None])[0]
    assert (cut.min(), cut.max()) == (0, 1)
    part = cut > 0
    assert part.sum() < 0.2 * part.size
    assert np.corrcoef(cut[part], whole[part])[0, 1] == pytest.approx(1, abs=1e-4)


@pytest.mark.long
def test_the_cost_is_told_before_the_run_where_it_is_more_than_a_detection(explain, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown, out = explain("--box", 2, "--patch", 50, "--stride", 50, method="box_occlusion")
    assert shown.status == 0, shown.err
    assert re.search(r"Occlusion of a box, 5 detections, about \d+ s: ", shown.err)
    assert (out / "manifest.json").exists()


def test_a_class_blind_method_is_warned_of(explain):
    shown, _ = explain(method="eigencam")
    assert "Warning: Eigen-CAM of a detector gives the same map for every box" in shown.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--box", "500"), "There is no box 500: boxes 1 to "),
        (("--box", "3", "--threshold", "0.995"), "There is no box 3: boxes 1 to 2 have a score of at least 0.995."),
        (("--threshold", "1"), "No box has a score of at least 1. The best is class 9 with 0.99"),
        (("--box", "0"), "A box number must be a whole number from 1, as listed by vitrine detect; got '0'."),
        (("--box", "best"), "got 'best'."),
        (("--levels", "attic"), "Levels must be one of 0, 1, pool; got 'attic'."),
        (("--aspect", "colour"), "Aspect must be one of score, "),
        (("--target", "3"), "Unrecognized arguments: --target 3"),
    ],
)
def test_wrong_words_end_in_one_sentence(explain, words, sentence):
    shown, out = explain(*words)
    assert sentence in shown.sentence
    assert not out.exists()
