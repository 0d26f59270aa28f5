"""What is written is read again as it was."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from tests.xai_core.training.histories import histories, history_of
from xai_core.errors import DataError
from xai_core.training.arrays import to_npz
from xai_core.training.figures import as_csv, epoch_table, instance_table
from xai_core.training.instance_flow import to_instance_flow
from xai_core.training.measures import epoch_measures, instance_measures
from xai_core.training.reading import read_history


def assert_same(one, other):
    for name in ("predictions", "actual", "ids", "images", "pictures"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert (one.labels, one.epochs) == (other.labels, other.epochs)


def pictures_of(count):
    return np.random.default_rng(0).integers(0, 256, (count, 8, 10, 3), np.uint8)


@given(histories())
def test_any_history_survives_an_npz(history):
    assert_same(read_history(to_npz(history), "run"), history)


@given(histories())
def test_any_history_survives_instance_flow_json(history):
    assert_same(read_history(to_instance_flow(history), "run"), history)


def test_curves_and_thumbnails_survive_an_npz():
    curves = {"train_loss": np.array([0.5, np.nan]), "file": np.array([1.0, 2.0])}
    history = history_of([[0, 1], [1, 1]], [0, 1], pictures=pictures_of(2), curves=curves)
    found = read_history(to_npz(history), "run")
    assert_same(found, history)
    assert list(found.curves) == ["train_loss"]  # a name that the writer of an npz takes for itself is left out
    np.testing.assert_array_equal(found.curves["train_loss"], curves["train_loss"])


def test_confidence_survives_an_npz_and_is_part_of_the_tables():
    sure = np.array([[0.5, np.nan], [1.0, 0.25]], np.float32)
    history = history_of([[0, -1], [1, 1]], [0, 1], confidence=sure)
    found = read_history(to_npz(history), "run")
    np.testing.assert_array_equal(found.confidence, sure)
    pictures = instance_table(found, instance_measures(found), np.array([0, 1]))
    assert pictures["mean confidence"].tolist() == [0.5, 0.625]
    epochs = epoch_table(found, epoch_measures(found))
    assert epochs["confidence"].tolist() == [0.75, 0.25]


def test_thumbnails_survive_instance_flow_json():
    history = history_of([[0, 1], [1, 1]], [0, 1], pictures=pictures_of(2))
    assert_same(read_history(to_instance_flow(history), "run"), history)


def test_a_picture_in_json_that_cannot_be_opened_is_refused():
    whole = json.loads(to_instance_flow(history_of([[0, 1]], [1], pictures=pictures_of(1))))
    whole["instances"][0]["image"] = "data:image/png;base64,AAAA"
    with pytest.raises(DataError, match="A picture in the file cannot be opened"):
        read_history(json.dumps(whole).encode(), "run")


def test_a_table_of_pictures_says_what_is_not_defined():
    history = history_of([[0, -1, 0], [1, 1, 1]], [1, -1])
    text = as_csv(instance_table(history, instance_measures(history), np.array([1, 0]))).decode()
    assert text.splitlines()[1] == "picture 1,n/a,class 1,n/a,0,0.0,1,0.5,n/a,n/a"
    assert text.splitlines()[2] == "picture 0,class 1,class 0,1.0,n/a,n/a,1,0.5,n/a,n/a"


def test_a_table_of_epochs_holds_the_curves():
    history = history_of([[0, 1], [1, 1]], [0, 1], curves={"val_loss": np.array([2.0, 1.0])})
    found = pd.read_csv(io.BytesIO(as_csv(epoch_table(history, epoch_measures(history)))))
    assert found.columns.tolist() == ["epoch", "accuracy", "churn", "val_loss"]
    assert found["accuracy"].tolist() == [1.0, 0.5]
    assert (found["churn"].isna().tolist(), found["churn"][1]) == ([True, False], 0.5)


def test_no_cell_of_text_in_a_table_starts_like_a_formula():
    history = replace(
        history_of([[0, 1], [1, 1]], [0, 1], curves={"=loss": np.array([-0.5, 0.25])}),
        labels=("=cat", "@dog"),
        ids=np.array(["-1+1", "-7"]),
    )
    pictures = pd.read_csv(io.BytesIO(as_csv(instance_table(history, instance_measures(history), np.arange(2)))))
    epochs = pd.read_csv(io.BytesIO(as_csv(epoch_table(history, epoch_measures(history)))))
    assert pictures["picture"].tolist() == ["'-1+1", "-7"]
    assert pictures["true class"].tolist() == ["'=cat", "'@dog"]
    assert epochs["'=loss"].tolist() == [-0.5, 0.25]


def test_a_quote_before_a_formula_is_dropped_when_a_table_is_read():
    read = read_history(b"instance_id,epoch,pred,actual\n'=a,0,'@cat,dog\n'=a,1,dog,dog\n", "run")
    assert (read.ids.tolist(), read.labels) == (["=a"], ("@cat", "dog"))
