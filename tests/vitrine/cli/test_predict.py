from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@pytest.fixture
def cifar(assets: Path, tmp_path: Path) -> tuple[list[Path], list[int]]:
    """Eight test pictures of CIFAR-10 as files, and their classes."""
    data = np.load(assets / "datasets/cifar10/cifar10_train3000_test2000.npz")
    paths = [tmp_path / f"cifar_{n}.png" for n in range(8)]
    for path, pixels in zip(paths, data["x_test"], strict=False):
        Image.fromarray(pixels).save(path)
    return paths, data["y_test"][:8].tolist()


def test_json_lists_the_best_classes_of_each_picture_in_order(vitrine, resnet, cifar):
    paths, classes = cifar
    shown = vitrine("predict", resnet, *paths, "--json")
    entries = json.loads(shown.out)
    assert [entry["image"] for entry in entries] == [path.name for path in paths]
    assert sum(entry["top"][0]["index"] == right for entry, right in zip(entries, classes, strict=True)) >= 7
    assert [set(t) for t in entries[0]["top"]] == [{"index", "label", "probability"}] * 5
    chances = [t["probability"] for t in entries[0]["top"]]
    assert chances == sorted(chances, reverse=True)
    assert shown.err == ""


def test_labels_name_the_classes(vitrine, resnet, cifar, tmp_path):
    paths, classes = cifar
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(CIFAR))
    shown = vitrine("predict", resnet, *paths, "--labels", labels)
    assert shown.status == 0
    assert f"{CIFAR[classes[0]]} ({classes[0]})" in shown.out


def test_without_labels_classes_have_numbers(vitrine, resnet, picture):
    assert "class " in vitrine("predict", resnet, picture).out


def test_a_chosen_preprocessing_is_taken(vitrine, resnet, cifar):
    def first(*words):
        return json.loads(vitrine("predict", resnet, cifar[0][0], "--json", *words).out)[0]["top"][0]["probability"]

    assert first("--preprocessing", "-1..1") != first("--preprocessing", "imagenet")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--labels", "LABELS"), "contains 2 labels, but the model has 10 classes"),
        (("--labels", "gone.txt"), "no label file called gone.txt"),
        (("--preprocessing", "upside down"), "no preprocessing called 'upside down'"),
        (("--preprocessing", "LABELS"), "not valid JSON"),
        (("--top", "3"), "Unrecognized arguments: --top 3"),
    ],
)
def test_wrong_words_end_in_one_sentence(vitrine, resnet, picture, tmp_path, words, sentence):
    (tmp_path / "labels.txt").write_text("cat\ndog")
    words = [str(tmp_path / "labels.txt") if word == "LABELS" else word for word in words]
    assert sentence in vitrine("predict", resnet, picture, *words).sentence


def test_a_picture_that_can_not_be_used_is_named(vitrine, resnet, picture, tmp_path):
    (tmp_path / "poem.png").write_text("Roses are red")
    sentence = vitrine("predict", resnet, picture, tmp_path / "poem.png").sentence
    assert sentence.startswith("poem.png: This is not a PNG")
    assert str(tmp_path) not in sentence


def test_a_missing_model_is_told(vitrine, picture):
    assert vitrine("predict", "gone.onnx", picture).sentence == "There is no model file called gone.onnx."
