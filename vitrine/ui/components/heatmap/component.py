"""The Streamlit side of the heatmap: the data for the browser, and the validated answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from vitrine.ui.components.heatmap.payload import pack
from vitrine.ui.components.heatmap.sprites import SpriteSheet
from xai_core.training.history import History
from xai_core.training.measures import EpochMeasures, InstanceMeasures
from xai_core.types import Indices

FOLDER = Path(__file__).parent
CONTROLS = FOLDER.parent / "viewer" / "controls.js"
SCRIPTS = (CONTROLS, *(FOLDER / f"{name}.js" for name in ("rows", "colours", "curves", "painting", "words", "heatmap")))


def heatmap(
    history: History,
    numbers: Indices,
    measures: InstanceMeasures,
    by_epoch: EpochMeasures,
    *,
    sprites: SpriteSheet | None,
    chosen: int | None,
    key: str,
    when_chosen: Callable[[int | None], None],
) -> None:
    """Show the numbered pictures of a history as rows, in their order, and its epochs as columns.

    measures, by_epoch: of the history. sprites: thumbnails of all its pictures. chosen: number of a picture.
    when_chosen: called with the chosen number, or None if the choice was cleared, before the page is rerun.
    """
    data = pack(history, numbers, measures, by_epoch, sprites, chosen, _turn(_answer(key)))

    def heard() -> None:
        when_chosen(_number(_answer(key), len(history)))

    _component()(key=key, data=data, on_chosen_change=heard)


def browser_code() -> str:
    """Return the JavaScript module: what it shares with the viewer, then its own scripts."""
    return "\n".join(path.read_text("utf-8") for path in SCRIPTS)


@cache
def _component() -> Any:
    css = (FOLDER / "heatmap.css").read_text("utf-8")
    return st.components.v2.component("vitrine_heatmap", html='<div class="heatmap"></div>', css=css, js=browser_code())


def _answer(key: str) -> Any:
    return st.session_state.get(key, {}).get("chosen")


def _turn(answer: Any) -> int:
    turn = answer.get("turn") if isinstance(answer, dict) else None
    return turn if isinstance(turn, int) else 0


def _number(answer: Any, count: int) -> int | None:
    """Read what the browser sent; a browser can send anything."""
    number = answer.get("number") if isinstance(answer, dict) else None
    return number if type(number) is int and 0 <= number < count else None
