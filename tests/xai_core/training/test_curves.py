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
from xai_core.training.checking import MOST_CURVES
from xai_core.training.curves import Curves, read_curves, with_curves
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
    summary_metadata = metadata.create_summary_metadata(display_name=None, description=None)
    return Summary(
        value=[Summary.Value(tag=tag, metadata=summary_metadata, tensor=make_tensor_proto(np.float32(value)))]
    )


def test_columns_of_a_table_with_a_row_an_epoch_are_curves():
    found = read_curves(b"epoch,train_loss,note,lr\n0,0.5,a,1\n1,0.4,b,1\n2,,c,1\n", EPOCHS).values
    assert sorted(found) == ["lr", "train_loss"]
    np.testing.assert_array_equal(found["train_loss"], [0.5, 0.4, np.nan])


def test_a_longer_table_goes_by_its_epochs():
    found = read_curves(b"epoch,val_acc\n0,0.1\n1,0.2\n2,0.3\n3,0.4\n", EPOCHS).values
    np.testing.assert_array_equal(found["val_acc"], [0.1, 0.2, 0.3])


@pytest.mark.parametrize("first", [0, 1])
def test_scalars_of_every_epoch_go_by_their_number_where_a_history_holds_every_fifth(first):
    steps = range(first, first + 50)
    epochs = [str(step) for step in steps if step % 5 == 0]
    found = read_curves(events(*((step, simple("loss", float(step))) for step in steps)), epochs)
    np.testing.assert_array_equal(found.values["loss"], np.array(epochs, float))
    assert found.notes == ()


def test_a_shorter_table_leaves_epochs_without_a_value():
    np.testing.assert_array_equal(
        read_curves(b"epoch,val_acc\n2,0.3\n", EPOCHS).values["val_acc"], [np.nan, np.nan, 0.3]
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train_loss\n1\n2\n", r"each of the 3 epochs, .* got train_loss \(2\)"),
        ("epoch,val_acc\n7,1\n8,2\n", r"got val_acc \(2\)"),
        ("epoch,name\n0,a\n1,b\n2,c\n", "columns of numbers"),
    ],
)
def test_curves_that_do_not_fit_are_refused(text, said):
    with pytest.raises(DataError, match=said):
        read_curves(text.encode(), EPOCHS)


def test_scalars_of_an_event_file_are_curves_in_the_older_and_the_newer_format():
    points = [(step, simple("train/loss", 1.0 - step / 4)) for step in range(3)]
    points += [(step, as_tensor("val/accuracy", step / 4)) for step in (2, 0, 1)]
    found = read_curves(events(*points), EPOCHS).values
    np.testing.assert_array_equal(found["train/loss"], [1, 0.75, 0.5])
    np.testing.assert_array_equal(found["val/accuracy"], [0, 0.25, 0.5])


def test_scalars_of_every_batch_are_divided_evenly_among_the_epochs_and_averaged():
    points = [(step, simple("batch_loss", float(step))) for step in range(0, 900, 10)]
    points += [(step, simple("val/loss", float(step))) for step in (299, 599, 899)]
    found = read_curves(events(*points), EPOCHS)
    np.testing.assert_allclose(found.values["batch_loss"], [145, 445, 745])
    np.testing.assert_array_equal(found.values["val/loss"], [299, 599, 899])
    (note,) = found.notes
    assert note.startswith("batch_loss: more values than epochs, so the steps were divided evenly")


def test_batches_recorded_now_and_then_fall_into_their_epochs():
    steps = [step for step in range(49, 3000, 50) if not 1200 < step < 1800]
    found = read_curves(events(*((step, simple("loss", step // 1000)) for step in steps)), EPOCHS)
    np.testing.assert_array_equal(found.values["loss"], [0, 1, 2])


def test_batches_are_aligned_by_the_epoch_recorded_for_their_step():
    lengths = {0: 5, 1: 10, 2: 25}
    numbers = np.repeat(list(lengths), list(lengths.values()))
    points = [(step, simple("epoch", float(number))) for step, number in enumerate(numbers)]
    points += [(step, simple("loss", float(number) + 0.5)) for step, number in enumerate(numbers)]
    found = read_curves(events(*points), EPOCHS)
    assert list(found.values) == ["loss"]
    np.testing.assert_array_equal(found.values["loss"], [0.5, 1.5, 2.5])
    assert "mean of the steps recorded for it" in found.notes[0]


def test_rows_of_one_epoch_are_averaged_with_a_note():
    found = read_curves(b"epoch,batch,loss\n2,1,5\n0,0,1\n0,1,3\n1,0,2\n1,1,\n2,0,3\n", EPOCHS)
    np.testing.assert_array_equal(found.values["loss"], [2, 2, 4])
    assert found.notes[0].startswith("batch, loss: each epoch shows the mean")


def test_a_table_of_batches_without_numbers_is_divided_evenly():
    text = "loss\n" + "\n".join(str(row // 4) for row in range(12))
    np.testing.assert_array_equal(read_curves(text.encode(), EPOCHS).values["loss"], [0, 1, 2])


def test_curves_that_fit_are_kept_and_the_others_are_named():
    points = [(step, simple("loss", 1.0)) for step in range(3)] + [(step, simple("odd", 1.0)) for step in (70, 80)]
    found = read_curves(events(*points), EPOCHS)
    assert list(found.values) == ["loss"]
    assert found.notes == ("odd: dropped, since it has neither one value per epoch nor steps that match the epochs.",)


def test_of_too_many_curves_the_first_are_kept_with_a_note():
    points = [(step, simple(f"loss {n}", 1.0)) for step in range(3) for n in range(MOST_CURVES + 2)]
    found = read_curves(events(*points), EPOCHS)
    assert len(found.values) == MOST_CURVES
    assert found.notes == (f"Only the first {MOST_CURVES} of {MOST_CURVES + 2} curves are used.",)


def test_an_event_file_that_still_grows_is_read_as_far_as_it_is_whole():
    data = events(*((step, simple("loss", float(step))) for step in range(4)))
    np.testing.assert_array_equal(read_curves(data[:-9], EPOCHS).values["loss"], [0, 1, 2])


def test_a_damaged_event_file_is_refused():
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


def test_curves_of_the_same_name_are_numbered_and_their_notes_are_kept_once():
    history = with_curves(history_of([[0, 1]], [0]), Curves({"loss": np.array([1.0, 2.0])}, ("Said.",)))
    again = with_curves(history, Curves({"loss": np.array([3.0, 4.0])}, ("Said.",)))
    assert list(again.curves) == ["loss", "loss (2)"]
    assert again.notes == ("Said.",)
