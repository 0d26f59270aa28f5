"""Histories are read from each format; a fault is a sentence."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest

from tests.xai_core.training.histories import history_of
from xai_core.errors import DataError
from xai_core.training import arrays
from xai_core.training.checking import LARGEST, MOST_CELLS, checked
from xai_core.training.reading import read_history

LONG = "instance_id,epoch,pred,actual\na,2,cat,cat\na,10,dog,cat\nb,10,dog,dog\nb,2,dog,dog\n"
WIDE = "instance_id,actual,epoch_10,epoch_2\n007,0,1,0\n008,1,,1\n"


def read(text):
    return read_history(text.encode(), "run")


def npz(**arrays):
    written = io.BytesIO()
    np.savez(written, **arrays)
    return read_history(written.getvalue(), "run")


def flow_json(**changes):
    whole = {
        "name": "mine",
        "labels": ["cat", "dog"],
        "instances": [{"id": "a", "actual": 0, "image": "a.png"}, {"id": "b", "actual": 1}],
        "epochs": [{"id": "1", "classifications": [0, 1]}, {"id": "2", "classifications": [1, 1]}],
    }
    return json.dumps(whole | changes)


def test_a_long_table_is_read_with_its_epochs_in_the_order_of_numbers():
    found = read(LONG)
    assert (found.labels, found.epochs, found.ids.tolist()) == (("cat", "dog"), ("2", "10"), ["a", "b"])
    np.testing.assert_array_equal(found.predictions, [[0, 1], [1, 1]])
    np.testing.assert_array_equal(found.actual, [0, 1])


def test_a_wide_table_is_read_with_ids_as_they_are_written():
    found = read(WIDE)
    assert (found.epochs, found.ids.tolist(), found.labels) == (("2", "10"), ["007", "008"], ("class 0", "class 1"))
    np.testing.assert_array_equal(found.predictions, [[0, 1], [1, -1]])


def test_missing_cells_are_counted_in_a_note():
    (note,) = read(LONG.replace("a,10,dog,cat\n", "")).notes
    assert note.startswith("1 of 4 predictions are missing")
    assert read(LONG).notes == ()


def test_minus_one_in_a_table_of_numbers_is_no_data():
    found = read("instance_id,actual,epoch_0,epoch_1\na,1,-1,1\n")
    np.testing.assert_array_equal(found.predictions, [[-1, 1]])


def test_a_table_without_true_classes_is_read_and_says_so():
    found = read("instance_id,epoch,pred\na,0,1\na,1,0\n")
    assert found.actual.tolist() == [-1]
    assert "is unknown" in found.notes[0]


def test_a_single_epoch_is_noted():
    assert "only one epoch" in read("instance_id,epoch,pred,actual\na,0,1,1\n").notes[0]


def test_files_of_images_are_kept():
    found = read("instance_id,epoch,pred,actual,image\na,0,1,1,a.png\nb,0,0,1,\n")
    assert found.images.tolist() == ["a.png", ""]


def test_an_npz_is_read_with_curves_names_and_grey_thumbnails():
    pictures = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    found = npz(
        predictions=[[0, 1, 1], [2, 2, 0]],
        actual=[1, 2],
        labels=["x", "y", "z"],
        epochs=["5", "6", "7"],
        train_loss=[0.3, 0.2, np.nan],
        pictures=pictures,
    )
    assert (found.labels, found.epochs, found.ids.tolist()) == (("x", "y", "z"), ("5", "6", "7"), ["0", "1"])
    assert list(found.curves) == ["train_loss"]
    np.testing.assert_array_equal(found.pictures, np.repeat(pictures[..., None], 3, axis=3))


def test_the_probability_of_each_prediction_is_kept():
    probs = np.full((2, 3, 2), 0.5, np.float16)
    probs[0, 0], probs[1, 2] = [0.75, 0.25], [0.125, 0.875]
    found = npz(predictions=[[0, 1, -1], [1, 1, 0]], actual=[0, 1], probs=probs)
    np.testing.assert_array_equal(found.confidence, [[0.75, 0.5, np.nan], [0.5, 0.5, 0.125]])
    assert "In 1 predictions, probs gives a different class the highest probability" in found.notes[0]
    assert npz(predictions=[[0]], actual=[0]).confidence is None


def test_probabilities_set_the_number_of_classes():
    assert npz(predictions=[[0]], actual=[0], probs=np.array([[[0.5, 0.25, 0.25]]])).labels[2] == "class 2"


def test_the_shape_of_empty_probabilities_is_not_trusted():
    empty = np.zeros((0, 2, 10**9), np.float32)
    assert "probs was dropped" in npz(predictions=[[0, 1]], actual=[0], probs=empty).notes[0]
    with pytest.raises(DataError, match="at most 1000"):
        npz(predictions=np.zeros((0, 2), int), actual=np.zeros(0, int), probs=empty)
    with pytest.raises(DataError, match="a row per picture"):
        npz(predictions=np.zeros((0, 2), int), actual=np.zeros(0, int), probs=empty[..., :3])


@pytest.mark.parametrize(
    ("probs", "said"),
    [
        (np.full((1, 2, 3), 0.3), r"expected floats \(1, 2, 2\), .* got \(1, 2, 3\) of float64"),
        (np.full((1, 2, 2), 1), "of int64"),
        (np.full((1, 2, 2), 3.5), "must lie between 0 and 1"),
    ],
)
def test_probabilities_that_do_not_fit_are_dropped_with_a_note(probs, said):
    found = npz(predictions=[[0, 1]], actual=[0], labels=["a", "b"], probs=probs)
    assert found.confidence is None
    (note,) = found.notes
    assert re.search(f"probs was dropped: .*{said}", note)


def test_probabilities_that_are_too_large_are_dropped_with_a_note(monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST", 1 << 20)
    found = npz(predictions=[[0] * 64] * 64, actual=[0] * 64, probs=np.full((64, 64, 40), 0.025))
    assert found.confidence is None
    assert found.notes[0].startswith("probs unpacks to 1 MB and was dropped; at most 1 MB")


def test_columns_of_probabilities_in_a_long_table_are_read():
    text = (
        "instance_id,epoch,pred,actual,prob_cat,prob_dog\na,2,cat,cat,0.9,0.1\na,10,dog,cat,0.2,0.8\nb,2,dog,dog,0.5,\n"
    )
    found = read(text)
    np.testing.assert_allclose(found.confidence, [[0.9, 0.8], [np.nan, np.nan]])
    numbered = read("instance_id,epoch,pred,actual,prob_0,prob_1\na,0,1,1,0.25,0.75\n")
    np.testing.assert_array_equal(numbered.confidence, [[0.75]])
    wrong = read("instance_id,epoch,pred,actual,prob_0,prob_1\na,0,1,1,-2,3\n")
    assert (wrong.confidence, wrong.notes[0][:35]) == (None, "The columns prob_… were dropped: pr")


def test_instance_flow_json_is_read():
    found = read(flow_json())
    assert (found.name, found.labels, found.epochs) == ("mine", ("cat", "dog"), ("1", "2"))
    assert found.images.tolist() == ["a.png", ""]
    np.testing.assert_array_equal(found.predictions, [[0, 1], [1, 1]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "got a table of a, b"),
        (LONG + "a,2,dog,cat\n", "'a' has two predictions in epoch 2"),
        (LONG + "c,2,dog,cat\nc,10,dog,dog\n", "'c' has several true classes"),
        (LONG + ",2,dog,cat\n", "Row 6 has no instance_id"),
        (LONG + "c,,dog,cat\n", "Row 6 has no epoch"),
        (WIDE + "007,1,1,1\n", "'007' occurs twice in the file"),
        (WIDE.replace("epoch_10", "epoch_2"), "2 columns are named 'epoch_2'"),
        (WIDE.replace("007,0", "007,-3"), "a cell has -3"),
        (WIDE.replace("007,0", "007,0.5"), "a cell has 0.5"),
        (WIDE.replace("007,0", "007,100000000"), "at most 1000"),
        ("instance_id,actual,epoch_0\na,1,1,1\n", "A row of the table has more values than the header has names"),
        ('instance_id,epoch,pred\n"a,0,1\n', "cannot be read as a table"),
        ("{not json", "Expected InstanceFlow's JSON"),
        (flow_json(labels=["cat"]), "1 classes, 0 to 0, but a prediction is 1"),
        (flow_json(epochs=[{"id": "1", "classifications": [0]}]), "Epoch 1 needs one classification for each"),
        (flow_json(epochs=[]), r"got predictions of the shape \(2, 0\)"),
        (flow_json(epochs=[{"id": "1", "classifications": [0, "dog"]}]), "Export it again"),
        (flow_json(instances=[{"id": "a", "actual": 0}, {"id": "a", "actual": 1}]), "'a' occurs twice in the file"),
        (flow_json(instances=[3]), "Export it again"),
    ],
    ids=lambda given: given[:24] if " " in given else None,
)
def test_a_fault_is_a_sentence(text, said):
    with pytest.raises(DataError, match=said):
        read(text)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"actual": [1]}, "with predictions and actual; got actual"),
        ({"predictions": [[0, 1]], "actual": [0, 1]}, r"got \(1, 2\), \(2,\)"),
        ({"predictions": [[0, 2]], "actual": [0], "labels": ["a", "b"]}, "2 classes, 0 to 1, but a prediction is 2"),
        ({"predictions": [[0, -2]], "actual": [0]}, "got -2"),
        ({"predictions": [[0.5, 1]], "actual": [0]}, "whole numbers, the classes counted from 0; got 0.5"),
        ({"predictions": [["a"]], "actual": [0]}, "whole numbers"),
        ({"predictions": [[0, 1]], "actual": [0], "ids": ["a", "b"]}, "2 ids; expected 1"),
        ({"predictions": [[0, 1]], "actual": [0], "epochs": ["1", "1"]}, "epoch '1' occurs twice in the file"),
        ({"predictions": [[0, 1]], "actual": [0], "pictures": np.zeros((1, 4, 4))}, "of uint8; got"),
        ({"predictions": [[0, 1]], "actual": [0], "pictures": np.zeros((2, 4, 4), np.uint8)}, "Expected pictures"),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_an_npz_whose_arrays_do_not_fit_is_refused(given, said):
    with pytest.raises(DataError, match=said):
        npz(**given)


def test_python_objects_in_an_npz_are_never_loaded():
    with pytest.raises(DataError, match="never loaded"):
        npz(predictions=np.array([[{}]], object), actual=[0])


def test_a_damaged_npz_is_refused():
    written = io.BytesIO()
    np.savez_compressed(written, predictions=np.zeros((50, 20), int), actual=np.zeros(50, int))
    with pytest.raises(DataError, match="damaged"):
        read_history(written.getvalue()[:-40], "run")


def test_an_npz_that_would_unpack_to_too_much_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST", 1 << 20)
    monkeypatch.setattr(np, "load", None)
    written = io.BytesIO()
    np.savez_compressed(written, predictions=np.zeros((3 << 20,), np.uint8), actual=[0])
    assert written.tell() < 1 << 20
    with pytest.raises(DataError, match="unpacks to 3 MB"):
        read_history(written.getvalue(), "run")


def test_too_many_predictions_are_refused():
    pictures = MOST_CELLS // 100 + 1
    with pytest.raises(DataError, match="at most 5,000,000"):
        npz(predictions=np.zeros((pictures, 100), np.int8), actual=np.zeros(pictures, np.int8))


def test_a_file_that_is_too_large_is_refused():
    class Long(bytes):
        def __len__(self):
            return LARGEST + 1

    with pytest.raises(DataError, match="at most 256 MB"):
        read_history(Long(b"x"), "run")


def test_a_history_is_checked_once_and_says_what_is_missing():
    found = checked(history_of([[0, -1], [1, 1]], [0, -1]))
    assert [note.split()[0] for note in found.notes] == ["1", "The"]
