"""Curves from tables and from TensorBoard's event files."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.scalar import metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from tests.xai_core.training.histories import history_of
from xai_core.errors import DataError
from xai_core.training.curves import read_curves, with_curves
from xai_core.training.event_files import is_event_file

EPOCHS = ("0", "1", "2")


def events(*points):
    """What TensorBoard's own writer makes of (step, summary) pairs, as bytes; its file writer would load TensorFlow."""
    file = io.BytesIO()
    writer = RecordWriter(file)
    writer.write(Event(wall_time=1.0, file_version="brain.Event:2").SerializeToString())
    for step, summary in points:
        writer.write(Event(step=step, wall_time=1.0, summary=summary).SerializeToString())
    return file.getvalue()


def simple(tag, value):
    return Summary(value=[Summary.Value(tag=tag, simple_value=value)])


def as_tensor(tag, value):
    """A scalar as TensorFlow 2 and Keras write it."""
    told = metadata.create_summary_metadata(display_name=None, description=None)
    return Summary(value=[Summary.Value(tag=tag, metadata=told, tensor=make_tensor_proto(np.float32(value)))])


def test_columns_of_a_table_with_a_row_an_epoch_are_curves():
    found = read_curves(b"epoch,train_loss,note,lr\n0,0.5,a,1\n1,0.4,b,1\n2,,c,1\n", EPOCHS)
    assert sorted(found) == ["lr", "train_loss"]
    np.testing.assert_array_equal(found["train_loss"], [0.5, 0.4, np.nan])


def test_a_longer_table_goes_by_its_epochs():
    found = read_curves(b"epoch,val_acc\n0,0.1\n1,0.2\n2,0.3\n3,0.4\n", EPOCHS)
    np.testing.assert_array_equal(found["val_acc"], [0.1, 0.2, 0.3])


def test_a_shorter_table_leaves_epochs_without_a_value():
    np.testing.assert_array_equal(read_curves(b"epoch,val_acc\n2,0.3\n", EPOCHS)["val_acc"], [np.nan, np.nan, 0.3])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train_loss\n1\n2\n", r"each of the 3 epochs, .* got train_loss \(2\)"),
        ("epoch,val_acc\n7,1\n8,2\n", r"got val_acc \(2\)"),
        ("epoch,name\n0,a\n1,b\n2,c\n", "columns of numbers"),
    ],
)
def test_curves_that_do_not_fit_are_told(text, said):
    with pytest.raises(DataError, match=said):
        read_curves(text.encode(), EPOCHS)


def test_scalars_of_an_event_file_are_curves_in_the_older_form_and_the_newer():
    points = [(step, simple("train/loss", 1.0 - step / 4)) for step in range(3)]
    points += [(step, as_tensor("val/accuracy", step / 4)) for step in (2, 0, 1)]
    found = read_curves(events(*points), EPOCHS)
    np.testing.assert_array_equal(found["train/loss"], [1, 0.75, 0.5])
    np.testing.assert_array_equal(found["val/accuracy"], [0, 0.25, 0.5])


def test_a_scalar_of_every_batch_is_no_curve_of_epochs():
    points = [(step, simple("batch_loss", 1.0)) for step in range(0, 900, 9)]
    with pytest.raises(DataError, match=r"got batch_loss \(100\)"):
        read_curves(events(*points), EPOCHS)


def test_an_event_file_that_still_grows_is_read_as_far_as_it_is_whole():
    data = events(*((step, simple("loss", float(step))) for step in range(4)))
    np.testing.assert_array_equal(read_curves(data[:-9], EPOCHS)["loss"], [0, 1, 2])


def test_a_damaged_event_file_is_told():
    data = bytearray(events((0, simple("loss", 1.0)), (1, simple("loss", 1.0))))
    data[-10] ^= 255
    with pytest.raises(DataError, match="damaged"):
        read_curves(bytes(data), EPOCHS)


def test_an_event_file_without_scalars_says_what_to_write():
    with pytest.raises(DataError, match="add_scalar"):
        read_curves(events(), EPOCHS)


def test_a_table_is_no_event_file():
    assert not is_event_file(b"epoch,train_loss\n0,1\n")


def test_reading_an_event_file_does_not_load_tensorflow(monkeypatch):
    data = events(*((step, as_tensor("loss", 1.0)) for step in range(3)))
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    read_curves(data, EPOCHS)
    assert "tensorflow" not in sys.modules


def test_curves_of_the_same_name_are_numbered():
    history = with_curves(history_of([[0, 1]], [0]), {"loss": np.array([1.0, 2.0])})
    assert list(with_curves(history, {"loss": np.array([3.0, 4.0])}).curves) == ["loss", "loss (2)"]
