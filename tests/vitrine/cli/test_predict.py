from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.small_models.digits import coloured_digits
from xai_core.services.preprocessing_guess import NO_CLASSES, UNSAID
from xai_core.trust import honesty

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture
def digits(tmp_path: Path) -> tuple[list[Path], list[int]]:
    """Eight digits that the model was not trained on as files, and which they are."""
    held_out = coloured_digits().held_out
    paths = [tmp_path / f"digit_{n}.png" for n in range(8)]
    for path, pixels in zip(paths, held_out.pictures, strict=False):
        Image.fromarray(pixels).save(path)
    return paths, held_out.classes[:8].tolist()


def test_json_lists_the_best_classes_of_each_picture_in_order(vitrine, cnn, digits):
    paths, classes = digits
    shown = vitrine("predict", cnn, *paths, "--json")
    entries = json.loads(shown.out)
    assert [entry["image"] for entry in entries] == [path.name for path in paths]
    assert sum(entry["top"][0]["index"] == right for entry, right in zip(entries, classes, strict=True)) >= 7
    assert [set(t) for t in entries[0]["top"]] == [{"index", "label", "probability"}] * 5
    chances = [t["probability"] for t in entries[0]["top"]]
    assert chances == sorted(chances, reverse=True)
    assert shown.err.startswith("The file does not say how pictures are prepared.")
    assert shown.err.count("\n") == 1


def test_a_preprocessing_that_is_chosen_is_not_called_assumed(vitrine, cnn, digits):
    assert "is assumed" not in vitrine("predict", cnn, digits[0][0], "--preprocessing", "0..1").err


def test_of_a_regression_model_nothing_is_said_to_follow_from_its_answers(vitrine, cnn, picture):
    shown = vitrine("predict", cnn, picture, "--scoring", "none")
    advice = '"0..1" is assumed. Set it with --preprocessing if predictions look wrong.'
    assert shown.err == f"{UNSAID} {NO_CLASSES} {advice}\n"


def test_a_model_that_is_certain_of_one_class_for_every_picture_is_doubted(vitrine, cnn, picture, monkeypatch):
    monkeypatch.setattr(honesty, "SATURATED", 0.0)
    shown = vitrine("predict", cnn, picture, picture, picture)
    assert shown.err.startswith("The model is certain that each of the 3 pictures shows class ")
    assert "is assumed" in shown.err.splitlines()[1]


def test_labels_name_the_classes(vitrine, cnn, digits, tmp_path):
    paths, classes = digits
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(NAMES))
    shown = vitrine("predict", cnn, *paths, "--labels", labels)
    assert shown.status == 0
    assert f"{NAMES[classes[0]]} ({classes[0]})" in shown.out


def test_without_labels_classes_have_numbers(vitrine, cnn, picture):
    assert "class " in vitrine("predict", cnn, picture).out


def test_a_chosen_preprocessing_is_taken(vitrine, cnn, digits):
    def first(*words):
        return json.loads(vitrine("predict", cnn, digits[0][0], "--json", *words).out)[0]["top"][0]["probability"]

    assert first("--preprocessing", "-1..1") != first("--preprocessing", "imagenet")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--labels", "LABELS"), "contains 2 labels, but the model has 10 classes"),
        (("--labels", "gone.txt"), "no label file called gone.txt"),
        (("--preprocessing", "upside down"), "No preprocessing or file is called 'upside down'"),
        (("--preprocessing", "LABELS"), "not valid JSON"),
        (("--top", "3"), "Unrecognized arguments: --top 3; see vitrine predict --help."),
    ],
)
def test_wrong_words_end_in_one_sentence(vitrine, cnn, picture, tmp_path, words, sentence):
    (tmp_path / "labels.txt").write_text("cat\ndog")
    words = [str(tmp_path / "labels.txt") if word == "LABELS" else word for word in words]
    assert sentence in vitrine("predict", cnn, picture, *words).sentence


def test_a_picture_that_can_not_be_used_is_named(vitrine, cnn, picture, tmp_path):
    (tmp_path / "poem.png").write_text("Roses are red")
    sentence = vitrine("predict", cnn, picture, tmp_path / "poem.png").sentence
    assert sentence.startswith("poem.png: This is not a PNG")
    assert str(tmp_path) not in sentence


def test_missing_labels_are_reported_before_the_model_is_opened(vitrine, picture):
    sentence = vitrine("predict", "gone.onnx", picture, "--labels", "gone.txt").sentence
    assert sentence == "There is no label file called gone.txt that can be read."


def test_a_missing_model_is_told(vitrine, picture):
    assert vitrine("predict", "gone.onnx", picture).sentence == "There is no model file called gone.onnx."


def test_an_unknown_preprocessing_is_reported_before_the_model_is_opened(vitrine, picture):
    sentence = vitrine("predict", "gone.onnx", picture, "--preprocessing", "imagenette").sentence
    assert sentence.startswith("No preprocessing or file is called 'imagenette'. Choose one of 0..1, ImageNet")
