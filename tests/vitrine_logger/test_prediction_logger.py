"""The logger writes after every epoch what the page reads."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vitrine_logger import PredictionLogger
from xai_core.training.reading import read_history


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def read(path):
    return read_history(path.read_bytes(), path.stem)


def test_scores_of_tensors_and_classes_are_written_with_names_and_curves(path):
    logger = PredictionLogger(path, [0, 1], ["cat", "dog"], ids=["a", "b"], images=["a.png", "b.png"])
    logger.epoch(torch.tensor([[2.0, 1.0], [3.0, 1.0]], requires_grad=True), train_loss=0.5)
    logger.epoch(np.array([0, 1]), train_loss=0.25, val_acc=1.0)
    found = read(path)
    assert (found.labels, found.ids.tolist(), found.images.tolist()) == (("cat", "dog"), ["a", "b"], ["a.png", "b.png"])
    np.testing.assert_array_equal(found.predictions, [[0, 0], [0, 1]])
    np.testing.assert_array_equal(found.curves["train_loss"], [0.5, 0.25])
    np.testing.assert_array_equal(found.curves["val_acc"], [np.nan, 1.0])


def test_half_precision_that_numpy_lacks_is_accepted(path):
    PredictionLogger(path, [1], ["cat", "dog"]).epoch(torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16))
    assert read(path).predictions.tolist() == [[1]]


def test_the_file_is_complete_after_every_epoch_and_nothing_else_remains(path):
    logger = PredictionLogger(path, [0, 1], ["cat", "dog"])
    for epoch in range(3):
        logger.epoch([0, 1])
        assert read(path).predictions.shape == (2, epoch + 1)
        assert [file.name for file in path.parent.iterdir()] == ["run.npz"]


def test_a_picture_whose_scores_are_not_finite_has_no_data(path):
    PredictionLogger(path, [0, 1], ["cat", "dog"]).epoch([[np.nan, 1.0], [0.0, 1.0]])
    assert read(path).predictions.tolist() == [[-1], [1]]


@pytest.mark.parametrize("scale", [1, 255])
def test_thumbnails_are_written_from_bytes_and_from_floats(path, scale):
    pixels = np.array([[[0, 255], [51, 102]]], np.uint8)
    given = pixels if scale == 1 else torch.from_numpy(pixels / 255)
    PredictionLogger(path, [0], ["cat"], pictures=given).epoch([0])
    np.testing.assert_array_equal(read(path).pictures[..., 0], pixels)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ([0], r"2 pictures; got \(1,\)"),
        ([0, 2], "2 classes, 0 to 1; got 0 to 2"),
        ([[0.2], [0.9]], "For a single output, pass classes"),
        ([0.2, 0.9], "classes as whole numbers"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(path, outputs, said):
    with pytest.raises(ValueError, match=said):
        PredictionLogger(path, [0, 1], ["cat", "dog"]).epoch(np.array(outputs))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"actual": [0, 5]}, "2 classes, 0 to 1; got 0 to 5"),
        ({"ids": ["a"]}, "2 ids, one for each; got 1"),
        ({"pictures": np.zeros((3, 4, 4), np.uint8)}, "2 pictures, one for each; got 3"),
        ({"pictures": np.zeros((2, 4, 4, 2), np.uint8)}, "Expected pictures"),
        ({"pictures": np.full((2, 4, 4), 999)}, "0 to 255"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_at_once(path, given, said):
    with pytest.raises(ValueError, match=said):
        PredictionLogger(path, **({"actual": [0, 1], "names": ["cat", "dog"]} | given))


def test_the_callback_predicts_with_a_keras_model_after_every_epoch(path, monkeypatch):
    callbacks = SimpleNamespace(Callback=type("Callback", (), {}))
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(callbacks=callbacks))
    callback = PredictionLogger(path, [0, 1], ["cat", "dog"]).keras_callback("inputs")
    callback.model = SimpleNamespace(predict=lambda inputs, verbose: np.array([[1.0, 0.0], [0.5, 0.25]]))
    callback.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.5, "val_loss": 0.25})
    found = read(path)
    assert found.predictions.tolist() == [[0], [0]]
    assert sorted(found.curves) == ["train_acc", "train_loss", "val_loss"]


def test_no_framework_is_loaded_by_the_logger():
    code = "import sys, vitrine_logger; print({'torch', 'tensorflow', 'keras', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
