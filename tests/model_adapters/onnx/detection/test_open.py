from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_detectors import BRIGHT, CELLS, SIDE, assert_boxes, graph, listed, opened, photo, separate, yolo

from model_adapters.engines import openvino
from model_adapters.engines.choice import RAN_OUT, UNREADABLE
from model_adapters.engines.trials import LEAST_AGREEMENT, TOLERANCE, Trial
from model_adapters.onnx.detection.open import MANY
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.session import Graph, Wiring
from xai_core.detection.targets import overlaps
from xai_core.errors import ModelError, OutOfMemory, ParamError, TryAsClassifier, UnsupportedModel
from xai_core.types import Capability, InputSpec

DOG, CAT = (78, 12, 167, 148), (37, 120, 203, 223)  # drawn by hand on the photo of two animals
FACES = {"astronaut.png": (178, 65, 268, 175), "grace_hopper.jpg": (170, 120, 362, 335)}  # by hand too


def share(found, number, corners):
    return overlaps(found.corners[number][None], np.array([corners], np.float32))[0, 0]


@pytest.fixture
def open_graph(tmp_path):
    def save_and_open(outputs, reading="", **settings):
        (tmp_path / "m.onnx").write_bytes(graph(outputs, **settings).SerializeToString())
        return opened(tmp_path / "m.onnx", tmp_path, reading)

    return save_and_open


@pytest.fixture(scope="module")
def fastest_det(assets, tmp_path_factory):
    return opened(assets / "models/detection/FastestDet.onnx", tmp_path_factory.mktemp("fastest"))


@pytest.fixture(scope="module")
def animals(assets):
    return photo(assets / "images/other/cat_dog_both.png")


def test_fastest_det_finds_the_dog_and_the_cat(fastest_det, animals):
    (found,) = fastest_det.detect(animals[None], 0.6)
    assert [fastest_det.card.labels[label] for label in found.labels] == ["dog", "cat"]
    np.testing.assert_allclose(found.scores, [0.89, 0.81], atol=0.01)  # as in the list of real models
    assert share(found, 0, DOG) > 0.8
    assert share(found, 1, CAT) > 0.6


def test_fastest_det_says_how_sure_it_is_of_any_object_and_of_each_class(fastest_det, animals):
    (found,) = fastest_det.detect(animals[None], 0.6)
    assert found.class_scores.shape == (2, 80)
    np.testing.assert_allclose(found.class_scores.sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(found.objectness**0.6 * found.class_scores.max(axis=1) ** 0.4, found.scores, atol=1e-5)


def test_boxes_are_in_pixels_of_the_picture_that_was_handed_in(fastest_det, animals):
    (plain,) = fastest_det.detect(animals[None], 0.6)
    (twice,) = fastest_det.detect(animals.repeat(2, axis=0).repeat(3, axis=1)[None], 0.6)
    np.testing.assert_allclose(twice.corners / [3, 2, 3, 2], plain.corners, atol=2)


def test_a_detector_offers_what_lies_inside_it(fastest_det):
    card = fastest_det.card
    inside = Capability.ACTIVATIONS | Capability.GRADIENT | Capability.ABLATION
    assert (card.capabilities, dict(card.missing)) == (Capability.DETECT | inside, {})
    assert [(level.name, level.channels) for level in card.layers] == [("22x22", 96)]
    assert any("'grid'" in note for note in card.notes)


def test_a_reading_changes_what_it_names_and_leaves_the_rest_as_it_was_recognised(assets, tmp_path, animals):
    detector = opened(assets / "models/detection/FastestDet.onnx", tmp_path, '{"colours": "RGB"}')
    (found,) = detector.detect(animals[None], 0.6)
    assert [detector.card.labels[label] for label in found.labels[:1]] == ["dog"]
    assert "cat" not in [detector.card.labels[label] for label in found.labels]  # whose colours are wrong


@pytest.mark.parametrize("file", FACES)
def test_the_face_detector_finds_the_face(assets, tmp_path, file):
    detector = opened(assets / "models/detection/face-RFB-320.onnx", tmp_path)
    (found,) = detector.detect(photo(assets / "images/open_licence" / file)[None], 0.9)
    assert detector.card.classes == 1
    assert len(found) == 1
    assert share(found, 0, FACES[file]) > 0.7


def test_many_pictures_are_asked_on_an_engine_that_finds_the_same(assets, tmp_path, animals):
    detector = opened(assets / "models/detection/FastestDet.onnx", tmp_path)
    (alone,) = detector.detect(animals[None], 0.3)
    assert not detector._engines._choices
    assert all(len(found) == len(alone) for found in detector.detect(np.stack([animals] * (MANY + 1)), 0.3))
    native, other, *rough = detector.engines(*animals.shape[:2])
    assert (native.name, other.name) == ("ONNX Runtime", "OpenVINO")
    assert other.max_difference < TOLERANCE
    assert native.used + other.used == 1
    assert all(one.top1_agreement > LEAST_AGREEMENT for one in rough if not one.reason)


def test_in_bfloat16_the_animals_are_found_again(assets, tmp_path, animals):
    detector = opened(assets / "models/detection/FastestDet.onnx", tmp_path)
    detector.detect(animals[None], 0.6)
    if not any(one.precision == "bfloat16" and one.used for one in detector.engines(*animals.shape[:2])):
        pytest.skip("This processor is no faster in bfloat16.")
    rough = detector.at("bfloat16")
    (exact,), (found,) = (one.detect(animals[None], 0.6) for one in (detector, rough))
    assert (detector.key, rough.key) == ("", "bfloat16")
    assert not np.array_equal(found.scores, exact.scores)
    np.testing.assert_array_equal(found.labels, exact.labels)
    np.testing.assert_allclose(found.corners, exact.corners, atol=4)


@pytest.fixture(scope="module")
def exported(assets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    script = Path(__file__).with_name("torchvision_export_process.py")
    command = [sys.executable, "-B", str(script), str(folder), str(assets)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "2"})
    model = onnx.load(folder / "alone.onnx")
    model.graph.input[0].name = "batch"
    model.graph.input[0].type.tensor_type.shape.dim.insert(0, onnx.TensorShapeProto.Dimension(dim_value=1))
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "first"))
    model.graph.node.insert(0, helper.make_node("Squeeze", ["batch", "first"], ["images"]))
    onnx.save(model, folder / "batch.onnx")
    return folder


@pytest.mark.long
@pytest.mark.parametrize("name", ["alone", "batch"])
def test_an_export_of_torchvision_finds_what_the_module_finds(exported, tmp_path, name):
    detector = opened(exported / f"{name}.onnx", tmp_path)
    expected = np.load(exported / "found.npz")
    (found,) = detector.detect(expected["image"][None], 0)
    assert detector.card.classes == 3
    assert (detector.card.input.height, detector.card.input.batch) == (None, 1)
    np.testing.assert_allclose(found.corners, expected["boxes"], atol=1e-2)
    np.testing.assert_allclose(found.scores, expected["scores"], atol=1e-4)
    np.testing.assert_array_equal(found.labels, expected["labels"] - 1)


def test_a_zip_opens_as_its_file_does(assets, tmp_path, fastest_det, animals):
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.write(assets / "models/detection/FastestDet.onnx", "inside/FastestDet.onnx")
    detector = opened(tmp_path / "m.zip", tmp_path, file_format="onnx-zip")
    (found,) = detector.detect(animals[None], 0.6)
    np.testing.assert_array_equal(found.labels, fastest_det.detect(animals[None], 0.6)[0].labels)


def test_rows_of_yolo_5_are_known_by_their_number(open_graph):
    row = [32, 16, 8, 4, 0.5, 0.1, 0.8, 0]
    detector = open_graph({"output0": yolo(8, 3 * CELLS, row)})
    (found,) = detector.detect(BRIGHT, 0.2)
    assert_boxes(found, [28 / SIDE * 200, 14 / SIDE * 100, 36 / SIDE * 200, 18 / SIDE * 100])
    np.testing.assert_allclose([found.scores[0], found.objectness[0]], [0.4, 0.5])
    np.testing.assert_allclose(found.class_scores, [[0.1, 0.8, 0]])


def test_columns_of_yolo_8_are_known_by_their_number_and_name_their_classes(open_graph):
    values = yolo(7, CELLS, [32, 16, 8, 4, 0.1, 0.2, 0.7], [33, 16, 8, 4, 0, 0, 0.6]).transpose(0, 2, 1)
    detector = open_graph({"output0": np.ascontiguousarray(values)}, names={0: "hen", 1: "cow", 2: "pig"})
    (found,) = detector.detect(BRIGHT, 0.2)
    assert_boxes(found, [28 / SIDE * 200, 14 / SIDE * 100, 36 / SIDE * 200, 18 / SIDE * 100])
    assert detector.card.labels[found.labels[0]] == "pig"
    assert found.objectness.tolist() == [1]


@pytest.mark.parametrize(
    ("scores", "classes", "label"),
    [([[0.1, 0.9, 0], [1, 0, 0]], 2, 0), ([[0.1, 0.9, 0.3], [0, 0, 0]], 3, 1)],
    ids=["scores that add up to 1 have a background", "others have none"],
)
def test_boxes_and_class_scores_are_known_by_their_values(open_graph, scores, classes, label):
    detector = open_graph(separate(scores))
    (found,) = detector.detect(BRIGHT, 0.5)
    assert detector.card.classes == classes
    assert_boxes(found, [28 / SIDE * 200, 14 / SIDE * 100, 36 / SIDE * 200, 18 / SIDE * 100])
    assert found.labels.tolist() == [label]


def test_a_softmax_that_the_graph_leaves_out_is_made_up_for(open_graph):
    logits = np.log([[0.1, 0.7, 0.2], [0.8, 0.1, 0.1]])
    reading = Reading(form="boxes and class scores", background=True, activation="softmax")
    (found,) = open_graph(separate(logits), reading.to_text()).detect(BRIGHT, 0.5)
    np.testing.assert_allclose(found.class_scores, [[0.7, 0.2]], atol=1e-6)


def test_pictures_in_a_batch_are_answered_each_for_itself(open_graph):
    values = np.ascontiguousarray(yolo(6, CELLS, [32, 16, 8, 4, 0.1, 0.7]).transpose(0, 2, 1))
    detector = open_graph({"output0": values}, shape=("N", 3, SIDE, SIDE))
    assert detector.card.input.batch is None
    black = np.zeros_like(BRIGHT)
    assert [len(found) for found in detector.detect(np.concatenate([black, BRIGHT, black]), 0.2)] == [0, 1, 0]


def test_a_batch_that_the_graph_fixes_is_filled_up(open_graph):
    values = np.ascontiguousarray(yolo(6, CELLS, [32, 16, 8, 4, 0.1, 0.7]).transpose(0, 2, 1))
    detector = open_graph({"output0": values}, shape=(2, 3, SIDE, SIDE))
    assert [len(found) for found in detector.detect(np.concatenate([BRIGHT] * 3), 0.2)] == [1, 1, 1]


def test_detections_of_tensorflow_are_known_by_their_names(open_graph):
    outputs = {
        "detection_boxes": np.array([[[0.1, 0.2, 0.3, 0.6], [0, 0, 0.1, 0.1]]], np.float32),
        "detection_classes": np.array([[3, 1]], np.float32),
        "detection_scores": np.array([[0.9, 0.0]], np.float32),
        "num_detections": np.array([1], np.float32),
    }
    detector = open_graph(outputs, shape=(1, SIDE, SIDE, 3), dtype=TensorProto.UINT8, names=["a", "b", "c"])
    (found,) = detector.detect(BRIGHT, 0.2)
    assert_boxes(found, [40, 10, 120, 30])
    assert [detector.card.labels[label] for label in found.labels] == ["c"]


def test_where_the_number_of_classes_is_not_known_it_is_said_and_can_be_given(open_graph):
    assumed = open_graph(listed([1, 2]))
    assert assumed.card.classes == 90
    assert any("how many classes" in note for note in assumed.card.notes)
    given = Reading(form="boxes, labels, scores", box_layout="corners", background=True, classes=2)
    assert open_graph(listed([1, 2]), given.to_text()).card.classes == 2


def test_a_label_beyond_the_classes_is_told(open_graph):
    reading = Reading(form="boxes, labels, scores", box_layout="corners", background=True, classes=2)
    detector = open_graph(listed([1, 7]), reading.to_text())
    assert "class 7 of 2" in detector.card.missing["DETECT"]


def test_outputs_of_unknown_form_are_shown_and_asked_about(open_graph):
    detector = open_graph({"things": yolo(9, 31, [32, 16, 8, 4, 5, 6, 7, 8, 9])})
    card = detector.card
    assert Capability.DETECT not in card.capabilities
    assert [(raw.name, raw.shape, raw.low, raw.high) for raw in card.raw_outputs] == [("things", (1, 31, 9), 0, 32)]
    assert card.raw_outputs[0].first == (0, 0, 1, 1, 0, 0, 0, 0)
    with pytest.raises(UnsupportedModel, match="how to read this model's outputs"):
        detector.detect(BRIGHT, 0.5)


def test_a_reading_makes_unknown_outputs_known(open_graph):
    values = {"things": yolo(7, 31, [0.2, 0.1, 0.6, 0.5, -50, 50, 0])}
    reading = Reading(box_layout="corners", box_unit="shares of the side", background=True, activation="sigmoid")
    detector = open_graph(values, reading.to_text())
    assert detector.card.capabilities == Capability.DETECT
    assert not detector.card.raw_outputs
    (found,) = detector.detect(BRIGHT, 0.9)
    assert_boxes(found, [40, 10, 120, 50])
    assert (found.labels.tolist(), found.class_scores.shape) == ([0], (1, 2))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("boxes, labels, scores", "boxes n x 4, labels n and scores n"),
        ("boxes and class scores", "boxes N x n x 4 and scores"),
        ("grid", r"N x \(5 \+ classes\) x height x width"),
    ],
)
def test_a_reading_that_does_not_fit_is_told_beside_the_outputs(open_graph, form, expected):
    detector = open_graph({"things": yolo(7, 31)}, Reading(form=form).to_text())
    assert detector.card.raw_outputs[0].shape == (1, 31, 7)
    with pytest.raises(UnsupportedModel, match=f"must give .*{expected}.*; this one gives things 1x31x7"):
        detector.detect(BRIGHT, 0.5)


def test_scores_that_need_an_activation_are_told(open_graph):
    detector = open_graph({"things": yolo(6, 31, [32, 16, 8, 4, 5, -6])}, Reading().to_text())
    assert "between -6 and 5 instead of 0 and 1" in detector.card.missing["DETECT"]


def test_a_text_that_is_no_reading_is_refused(open_graph):
    with pytest.raises(ParamError, match="must be JSON"):
        open_graph({"things": yolo(6, 31)}, "yolo rows")


def test_a_classifier_is_told(assets, tmp_path):
    with pytest.raises(TryAsClassifier, match="labels the whole picture"):
        opened(assets / "models/onnx/resnet20_cifar10.onnx", tmp_path)


def test_a_model_that_labels_pixels_is_called_so(open_graph):
    with pytest.raises(UnsupportedModel, match="labels every pixel"):
        open_graph({"masks": np.ones((1, 21, SIDE, SIDE), np.float32)})


def test_scores_that_are_not_numbers_are_not_taken_for_nothing(open_graph):
    values = yolo(6, 31, [32, 16, 8, 4, np.nan, 0.5])
    assert "not numbers" in open_graph({"things": values}, Reading().to_text()).card.missing["DETECT"]


def test_a_free_size_is_brought_to_a_square_where_the_reading_says_so(open_graph):
    values = {"things": yolo(6, 31, [32, 16, 8, 4, 0.9, 0.5])}
    detector = open_graph(values, Reading(side=128).to_text(), shape=(1, 3, "H", "W"))
    (found,) = detector.detect(BRIGHT, 0.5)
    assert_boxes(found, [28 / 128 * 200, 14 / 128 * 100, 36 / 128 * 200, 18 / 128 * 100])


class StoppingSession:
    """Stands for a session that fails in these words."""

    def __init__(self, words):
        self.words = words

    def get_outputs(self):
        return []

    def get_providers(self):
        return []

    def run(self, *given):
        raise RuntimeError(self.words)


@pytest.mark.parametrize(("words", "error"), [("Failed to allocate memory", OutOfMemory), ("Bad shape", ModelError)])
def test_a_session_that_stops_is_told_in_a_sentence(words, error):
    stopping = Graph("", Wiring("images", "float32", InputSpec(8, 8)), StoppingSession(words))
    with pytest.raises(error, match=r"4 pictures|8 x 6 pixels"):
        stopping(np.zeros((4, 6, 8, 3), np.float32))


def test_a_graph_that_openvino_can_not_read_stays_where_it_is(open_graph, monkeypatch):
    def refuse(*given):
        raise RuntimeError("an operator that it does not know")

    monkeypatch.setattr(openvino, "convert", refuse)
    detector = open_graph({"output0": yolo(8, 3 * CELLS, [32, 16, 8, 4, 0.5, 0.1, 0.8, 0])})
    native, other = detector.engines(100, 200)
    assert (native.used, other.used, other.reason) == (True, False, UNREADABLE)
    assert len(detector.detect(BRIGHT, 0.2)[0]) == 1


class Answering:
    """Stands for a compiled graph; answers what it was told, or raises it."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, inputs):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_an_engine_that_finds_other_boxes_is_not_used(open_graph, monkeypatch):
    moved = yolo(8, 3 * CELLS, [32.1, 16, 8, 4, 0.5, 0.1, 0.8, 0])
    answering = Answering({"output0": moved})
    monkeypatch.setattr("model_adapters.onnx.detection.engines.CompiledOutputs", lambda *given: answering)
    detector = open_graph({"output0": yolo(8, 3 * CELLS, [32, 16, 8, 4, 0.5, 0.1, 0.8, 0])})
    (other,) = [one for one in detector.engines(100, 200) if (one.name, one.precision) == ("OpenVINO", "float32")]
    assert not other.used
    assert "differ" in other.reason


def test_an_engine_that_runs_out_of_memory_is_let_go(open_graph, monkeypatch):
    def agreeing(candidate, *answers):
        return Trial(candidate, 0.0, 1.0, milliseconds=2.0 if candidate.name == "ONNX Runtime" else 1.0)

    monkeypatch.setattr("model_adapters.onnx.detection.engines._compared", agreeing)
    detector = open_graph({"output0": yolo(8, 3 * CELLS, [32, 16, 8, 4, 0.5, 0.1, 0.8, 0])})
    assert detector.engines(100, 200)[1].used
    for key in detector._engines._runs:
        monkeypatch.setitem(detector._engines._runs, key, Answering(OutOfMemory("It is full.")))
    assert len(detector.detect(BRIGHT, 0.2)[0]) == 1
    native, other, *_ = detector.engines(100, 200)
    assert (native.used, other.used, other.reason) == (True, False, RAN_OUT)
