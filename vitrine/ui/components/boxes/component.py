"""The Streamlit side of the picture with boxes: the data for the browser, and the validated answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitrine.ui.components.boxes.payload import Box, pack

FOLDER = Path(__file__).parent
VIEWER = FOLDER.parent / "viewer"
SCRIPTS = (VIEWER / "controls.js", VIEWER / "navigation.js", FOLDER / "places.js", FOLDER / "boxes.js")


def box_picture(
    photo: NDArray[np.uint8],
    boxes: Sequence[Box],
    chosen: Sequence[int],
    *,
    key: str,
    most: int,
    when_chosen: Callable[[tuple[int, ...]], None],
) -> None:
    """Show a photo (h, w, 3) with boxes to choose from, at most `most` at once.

    chosen: the numbers of the chosen boxes, in the order in which they were chosen. when_chosen: called with the new
    numbers when the user changes the choice, before the page is rerun.
    """
    answer = _answer(key)
    data = pack(photo, boxes, chosen, _turn(answer), most)

    def heard() -> None:
        when_chosen(_numbers(_answer(key), most))

    _component()(key=key, data=data, on_chosen_change=heard)


def browser_code() -> str:
    """Return the JavaScript module: what it shares with the viewer, then its own scripts."""
    return "\n".join(path.read_text("utf-8") for path in SCRIPTS)


@cache
def _component() -> Any:
    css = (FOLDER / "boxes.css").read_text("utf-8")
    return st.components.v2.component("vitrine_boxes", html='<div class="boxes"></div>', css=css, js=browser_code())


def _answer(key: str) -> Any:
    return st.session_state.get(key, {}).get("chosen")


def _turn(answer: Any) -> int:
    turn = answer.get("turn") if isinstance(answer, dict) else None
    return turn if isinstance(turn, int) else 0


def _numbers(answer: Any, most: int) -> tuple[int, ...]:
    """Read the chosen numbers from the browser, in order; a browser can send anything."""
    numbers = answer.get("numbers") if isinstance(answer, dict) else None
    if not isinstance(numbers, list):
        return ()
    return tuple(dict.fromkeys(number for number in numbers if type(number) is int))[:most]
