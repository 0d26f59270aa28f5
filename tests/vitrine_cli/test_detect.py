from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from vitrine_cli.detect import nothing_found
from xai_core.detection.shown import Shown
from xai_core.detection.targets import overlaps

NAMES = "RBC\nWBC\nPlatelets\n"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / "cells.txt").write_text(NAMES)
    return tmp_path / "cells.txt"


def white_cell(assets: Path) -> list[float]:
    """The place of the white cell, as a person drew it."""
    tree = ElementTree.parse(assets / "datasets/bccd/Annotations/BloodImage_00007.xml")
    (cell,) = (one for one in tree.iter("object") if one.findtext("name") == "WBC")
    return [float(cell.findtext(f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]


def found(outcome) -> dict:
    assert outcome.status == 0, outcome.err
    (entry,) = json.loads(outcome.out)
    return entry


def test_json_lists_the_boxes_best_first_where_a_person_drew_them(vitrine, blood_detector, blood, labels, assets):
    entry = found(vitrine("detect", blood_detector, blood, "--json", "--labels", labels))
    assert (entry["image"], entry["size"], entry["threshold"]) == (blood.name, [640, 480], 0.5)
    scores = [box["score"] for box in entry["boxes"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] >= 0.5
    assert [box["number"] for box in entry["boxes"]] == list(range(1, len(scores) + 1))
    (white,) = (box for box in entry["boxes"] if box["label"] == "WBC")
    assert white["index"] == 1
    assert overlaps(np.array([white["box"]]), np.array([white_cell(assets)])) > 0.5
    assert entry["below_threshold"] == entry["notes"] == []


def test_boxes_of_a_large_picture_are_in_its_own_pixels(vitrine, blood_detector, blood, tmp_path):
    with Image.open(blood) as small:
        small.resize((2560, 1920)).save(tmp_path / "large.png")
    first, large = (
        found(vitrine("detect", blood_detector, path, "--json"))["boxes"][0] for path in (blood, tmp_path / "large.png")
    )
    assert large["index"] == first["index"]
    assert overlaps(np.array([large["box"]]), 4 * np.array([first["box"]])) > 0.9


def test_each_picture_has_its_boxes_on_lines_with_numbers(vitrine, blood_detector, blood, labels, assets):
    other = assets / "datasets/bccd/JPEGImages/BloodImage_00011.jpg"
    shown = vitrine("detect", blood_detector, blood, other, "--labels", labels)
    first, second = (shown.out.index(path.name) for path in (blood, other))
    lines = shown.out[first:second].splitlines()
    assert lines[1].startswith("   1   99.")
    assert "WBC (1): left" in lines[1]
    assert shown.err == ""


def test_where_no_box_reaches_the_threshold_the_best_below_are_listed(vitrine, blood_detector, blood):
    entry = found(vitrine("detect", blood_detector, blood, "--json", "--threshold", 1))
    assert entry["boxes"] == []
    assert [box["number"] for box in entry["below_threshold"]] == [1, 2, 3, 4, 5]
    assert entry["notes"][0].startswith("No box has a score of at least 1; the best is class 1 with 0.99")


def test_where_there_is_no_box_at_all_a_sentence_says_so():
    assert nothing_found(Shown(), []) == "No box has a score of at least 0.5, nor of 0.05; try another picture."


def test_a_label_file_may_begin_with_the_background_but_not_be_too_short(vitrine, blood_detector, blood, tmp_path):
    (tmp_path / "four.txt").write_text("__background__\n" + NAMES)
    (tmp_path / "two.txt").write_text("RBC\nWBC")
    assert "WBC (1)" in vitrine("detect", blood_detector, blood, "--labels", tmp_path / "four.txt").out
    sentence = vitrine("detect", blood_detector, blood, "--labels", tmp_path / "two.txt").sentence
    assert "holds 2 labels, but the model has 3 classes" in sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--threshold", "2"), "Threshold must lie between 0.05 and 1; got 2.0."),
        (("--threshold", "high"), "Threshold must be a number; got 'high'."),
        (("--preprocessing", "-1..1"), "Unrecognized arguments: --preprocessing=-1..1"),
    ],
)
def test_wrong_words_end_in_one_sentence(vitrine, blood_detector, blood, words, sentence):
    assert sentence in vitrine("detect", blood_detector, blood, *words).sentence


def test_a_classifier_is_pointed_to_where_it_belongs(vitrine, classifier, blood):
    assert "Explain page" in vitrine("detect", classifier, blood).sentence
