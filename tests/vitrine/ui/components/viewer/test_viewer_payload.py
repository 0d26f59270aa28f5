"""What goes to the browser, and what is believed of what comes back."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from vitrine.ui.components.viewer.component import Picked, ViewerState, _state
from vitrine.ui.components.viewer.payload import Panel, pack
from xai_core.errors import DataError
from xai_core.filter import filter_named
from xai_core.pictures.overlays import Look

PHOTO = np.zeros((4, 6, 3), np.uint8)
SIZE = (32, 32)


def header(*panels: Panel) -> dict:
    data = pack(PHOTO, panels, {}, False)
    length = struct.unpack_from("<I", data)[0]
    return json.loads(data[4 : 4 + length])


def test_the_sliders_ranges_are_those_of_the_declarations() -> None:
    forgrad = next(each for each in header(Panel("a", np.ones(SIZE)))["filters"] if each["id"] == "forgrad")
    sigma = next(param for param in forgrad["params"] if param["name"] == "sigma")
    declared = next(param for param in filter_named("forgrad").params if param.name == "sigma")
    assert (sigma["low"], sigma["high"], sigma["value"]) == (1, 16, declared.fitting(SIZE))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_map_that_is_not_finite_is_answered_with_a_sentence(broken: float) -> None:
    with pytest.raises(DataError, match="finite numbers"):
        header(Panel("a", np.full(SIZE, broken, np.float32)))


def test_an_error_that_is_not_finite_is_answered_with_a_sentence() -> None:
    with pytest.raises(DataError, match="finite numbers"):
        header(Panel("a", np.ones(SIZE, np.float32), standard_error=np.full(SIZE, np.nan, np.float32)))


def test_what_the_browser_sent_becomes_a_look_and_filters() -> None:
    look = Look(opacity=0.25, colour_map="gray", fade=False, smooth=False)
    sent = {
        "look": look.values(),
        "filters": [{"id": "forgrad", "values": {"sigma": 4}}, {"id": "absolute", "values": {}}],
    }
    found = _state(sent, {"panel": "a", "x": 3, "y": 4}, ViewerState(), SIZE)
    assert found.look == look
    assert found.filters == (filter_named("forgrad")(sigma=4), filter_named("absolute")())
    assert found.picked == Picked("a", 3, 4)


@pytest.mark.parametrize(
    "sent",
    [
        {"look": {"opacity": 7}, "filters": []},
        {"look": {"colour": "red"}, "filters": []},
        {"look": {}, "filters": [{"id": "nothing", "values": {}}]},
        {"look": {}, "filters": [{"id": "forgrad", "values": {"sigma": 999}}]},
        {"look": [], "filters": 3},
        "text",
    ],
    ids=str,
)
def test_a_setting_that_no_declaration_allows_is_left_out(sent: object) -> None:
    start = ViewerState(Look(opacity=0.5))
    assert _state(sent, None, start, SIZE) == start
