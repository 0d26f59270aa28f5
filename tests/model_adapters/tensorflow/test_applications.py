from __future__ import annotations

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

from model_adapters.tensorflow import applications
from tests.model_adapters.conftest import HERE

MANY = {
    "MobileNetV2": "(alpha=0.35)",
    "MobileNetV3Small": "(alpha=1.0, minimalistic=True)",
    "EfficientNetB0": "",
    "NASNetMobile": "",
    "ResNet50": "",
}
TRUNK = [(3, 3, 3, 8), (8,), (8,), (8, 16)]


@pytest.fixture
def small_index(monkeypatch):
    open_head = [(16, applications.CLASSES), (applications.CLASSES,)]
    entry = ("Small", {"alpha": 0.5})
    marks = [applications.fingerprint(TRUNK), applications.fingerprint([*TRUNK, *open_head])]
    monkeypatch.setattr(applications, "_index", lambda: dict.fromkeys(marks, entry))


@pytest.mark.usefixtures("small_index")
@pytest.mark.parametrize("classes", [1, 2, 8, 16, 1000])
def test_any_number_of_classes_is_found(classes):
    found = applications.find([(16, classes), *TRUNK, (classes,)])
    assert (found.function, found.classes) == ("Small", classes)
    assert found.name == "keras.applications.Small(alpha=0.5)"


@pytest.mark.usefixtures("small_index")
def test_weights_without_a_top_are_found_in_any_order():
    found = applications.find([*reversed(TRUNK), (3,), ()])  # the mean of three colours, and a count
    assert (found.function, found.classes) == ("Small", None)


@pytest.mark.usefixtures("small_index")
@pytest.mark.parametrize("shapes", [[], [()], TRUNK[1:], [*TRUNK, (16, 5)], [*TRUNK, (8, 5), (5,)]])
def test_other_shapes_are_no_application(shapes):
    assert applications.find(shapes) is None


def test_the_weights_of_an_optimizer_do_not_count(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["layers/conv/vars/0"] = np.zeros((3, 3, 3, 8))
        file["optimizer/vars/0"] = np.zeros(5)
        assert list(applications.shapes_in(file)) == [(3, 3, 3, 8)]


def said_in(folder):
    return json.loads((folder / "applications.json").read_text("utf-8"))


def holds(said, name, network):
    for file in (name, f"{name} of Keras 3"):
        answer = said[file]
        assert (answer["classes"], answer["architecture"]) == (3, f"keras.applications.{network}")
        assert answer["format"] == "keras-weights"
        assert answer["difference"] < 1e-4
        if name != "MobileNetV3Small":  # takes pictures of any size
            assert answer["notes"][0].endswith(f"assumed, as usual for keras.applications.{network}.")
    features = said[f"{name} without a top"]
    assert features["difference"] < 1e-4
    assert features["doubt"].startswith("the file has no top layer, so they are the features of keras.applications.")


def test_weights_alone_answer_as_the_network_they_were_saved_from(tensorflow_folder):
    said = said_in(tensorflow_folder)
    holds(said, "MobileNet", "MobileNet(alpha=0.25)")
    assert said["MobileNet"]["hint"] == said["MobileNet without a top"]["hint"] == [1.0, 0.5]


def test_other_weights_alone_are_refused_with_the_way_out(tensorflow_folder):
    said = said_in(tensorflow_folder)["other"]
    assert said["error"] == "UnsupportedModel"
    assert said["message"].endswith("they fit no network of keras.applications. Save the whole model: model.save(...).")


@pytest.mark.long
def test_weights_of_many_networks_answer_as_they_do_in_keras(tmp_path):
    command = [sys.executable, "-B", "-m", "tests.model_adapters.tensorflow.applications_process", str(tmp_path), *MANY]
    subprocess.run(command, check=True, capture_output=True, cwd=HERE.parents[1])
    said = said_in(tmp_path)
    for name, settings in MANY.items():
        holds(said, name, name + settings)
    assert said["EfficientNetB0"]["notes"][1].startswith("The colours are scaled as keras.applications scales them")
    assert [said[name]["hint"][0] for name in ("EfficientNetB0", "MobileNetV2", "ResNet50")] == [255, 1, 255]
