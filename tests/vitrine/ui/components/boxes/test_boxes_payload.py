"""What goes to the browser, and what is believed of what comes back."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from vitrine.ui.components.boxes.component import _numbers, _turn
from vitrine.ui.components.boxes.payload import Box, pack

PHOTO = np.zeros((100, 200, 3), np.uint8)


def header(*boxes: Box, chosen: tuple[int, ...] = ()) -> dict:
    data = pack(PHOTO, boxes, chosen, turn=4, most=8)
    length = struct.unpack_from("<I", data)[0]
    assert data[4 + length : 7 + length] == b"\xff\xd8\xff"  # a JPEG follows
    return json.loads(data[4 : 4 + length])


def test_boxes_are_sent_as_shares_of_the_photo() -> None:
    (box,) = header(Box(1, "dog", 3, "89%", (20, 10, 100, 90)))["boxes"]
    assert {side: box[side] for side in ("left", "top", "right", "bottom")} == {
        "left": 0.1,
        "top": 0.1,
        "right": 0.5,
        "bottom": 0.9,
    }


def test_a_box_that_reaches_beyond_the_photo_is_drawn_to_its_edge() -> None:
    (box,) = header(Box(1, "dog", 3, "89%", (-40, 10, 300, 90)))["boxes"]
    assert (box["left"], box["right"]) == (0, 1)


def test_only_boxes_that_are_drawn_are_said_to_be_chosen() -> None:
    sent = header(Box(1, "dog", 3, "89%", (0, 0, 9, 9)), Box(2, "cat", 1, "80%", (0, 0, 9, 9)), chosen=(2, 7))
    assert (sent["chosen"], sent["turn"], sent["most"]) == ([2], 4, 8)


def test_numbers_from_the_browser_are_read_in_order_each_once() -> None:
    assert _numbers({"numbers": [5, 2, 5], "turn": 3}, 8) == (5, 2)


def test_no_more_boxes_are_believed_than_may_be_chosen() -> None:
    assert len(_numbers({"numbers": list(range(1, 100))}, 8)) == 8


@pytest.mark.parametrize("sent", [None, "text", {}, {"numbers": "12"}, {"numbers": [1.5, "2", None, True]}], ids=str)
def test_what_makes_no_sense_from_the_browser_is_left_out(sent: object) -> None:
    assert _numbers(sent, 8) == ()
    assert _turn(sent) == 0
