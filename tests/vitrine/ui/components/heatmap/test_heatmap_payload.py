"""What goes to the browser, and what is believed of what comes back."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.xai_core.training.histories import history_of
from vitrine.ui.components.heatmap.component import _number, _turn
from vitrine.ui.components.heatmap.payload import FULL, UNDEFINED, pack
from vitrine.ui.components.heatmap.sprites import MOST_PIXELS, sheet_of
from xai_core.training.measures import epoch_measures, instance_measures

HISTORY = history_of([[0, -1, 1], [1, 1, 1], [-1, -1, -1]], [0, 1, -1], curves={"val_loss": np.array([2.0, np.nan, 1])})


def packed(history=HISTORY, numbers=(0, 1, 2), sprites=None):
    measures, by_epoch = instance_measures(history), epoch_measures(history)
    data = pack(history, np.array(numbers, np.int64), measures, by_epoch, sprites, chosen=1, turn=4)
    (length,) = struct.unpack_from("<I", data)
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def test_rows_are_bytes_in_the_order_that_is_asked_for_and_255_is_no_data():
    header, blob = packed(numbers=(1, 0))
    assert (header["rows"], header["of"], header["wide"], header["ids"]) == (2, 3, 1, ["picture 1", "picture 0"])
    assert list(blob[:6]) == [1, 1, 1, 0, UNDEFINED, 1]
    assert list(blob[6:8]) == [1, 0]


def test_bars_are_shares_of_254_and_255_is_not_defined():
    _, blob = packed()
    frequency, variability, wrong = (list(blob[12 + 3 * at : 15 + 3 * at]) for at in range(3))
    assert frequency == [UNDEFINED, 0, UNDEFINED]  # between an epoch and one without data nothing is compared
    assert variability == [FULL, FULL // 2, UNDEFINED]
    assert wrong == [FULL // 2, 0, UNDEFINED]


def test_the_number_of_each_row_in_the_history_is_sent():
    _, blob = packed(numbers=(2, 0))
    assert np.frombuffer(blob[-8:], "<u4").tolist() == [2, 0]


def test_the_confidence_of_each_cell_comes_after_the_numbers_where_it_is_known():
    sure = np.array([[0.5, np.nan, 1], [0, 0.25, 0.75], [np.nan] * 3], np.float32)
    header, blob = packed(replace(HISTORY, confidence=sure), (1, 0))
    assert header["sure"]
    assert np.frombuffer(blob[-14:-6], "<u4").tolist() == [1, 0]
    assert list(blob[-6:]) == [0, 64, 190, FULL // 2, UNDEFINED, FULL]
    curve = next(one for one in header["curves"] if one["name"] == "confidence in these pictures")
    assert (curve["strip"], curve["values"]) == ("accuracy", [0.25, 0.25, 0.875])
    assert not packed()[0]["sure"]


def test_classes_beyond_bytes_take_two():
    history = history_of([[0, 299]], [299], classes=300)
    header, blob = packed(history, (0,))
    assert header["wide"] == 2
    assert np.frombuffer(blob[:6], "<u2").tolist() == [0, 299, 299]


def test_curves_have_a_strip_and_gaps_are_null():
    header, _ = packed()
    curves = {curve["name"]: curve for curve in header["curves"]}
    assert (curves["val_loss"]["strip"], curves["val_loss"]["values"]) == ("loss", [2.0, None, 1.0])
    assert curves["accuracy of these pictures"]["values"] == [1.0, 1.0, 0.5]
    assert curves["churn of these pictures"]["values"] == [None, 0.0, 0.0]


def test_a_view_without_pictures_is_sent_too():
    header, blob = packed(numbers=())
    assert (header["rows"], blob) == (0, b"")


def test_thumbnails_lie_on_the_sheet_where_their_number_says():
    pictures = np.zeros((5, 16, 24, 3), np.uint8) + np.arange(5, dtype=np.uint8)[:, None, None, None] * 50
    sheet = sheet_of(pictures)
    assert (sheet.width, sheet.height) == (24, 16)
    pixels = np.asarray(Image.open(io.BytesIO(sheet.jpeg)))
    for number in range(5):
        top, left = number // sheet.columns * sheet.height, number % sheet.columns * sheet.width
        part = pixels[top : top + sheet.height, left : left + sheet.width]
        assert np.abs(part.astype(int) - 50 * number).max() <= 3


def test_many_thumbnails_are_made_smaller():
    sheet = sheet_of(np.zeros((4000, 64, 64, 3), np.uint8))
    pixels = Image.open(io.BytesIO(sheet.jpeg)).size
    assert sheet.width == sheet.height == 24
    assert pixels[0] * pixels[1] < 1.2 * MOST_PIXELS


@pytest.mark.parametrize(
    ("sent", "number", "turn"),
    [
        ({"number": 2, "turn": 5}, 2, 5),
        ({"number": None, "turn": 6}, None, 6),
        ({"number": 3, "turn": 1}, None, 1),
        ({"number": -1}, None, 0),
        ({"number": True, "turn": "7"}, None, 0),
        ("text", None, 0),
        (None, None, 0),
    ],
    ids=str,
)
def test_only_a_picture_of_the_history_is_believed(sent, number, turn):
    assert (_number(sent, 3), _turn(sent)) == (number, turn)
