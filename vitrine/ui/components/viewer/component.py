"""The viewer's Streamlit side: the data for the browser, and the settings it returns."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import xai_core.filters  # noqa: F401  (registers the filters)
from vitrine.ui.components.viewer.payload import Panel, pack
from xai_core.errors import ParamError
from xai_core.filter import Filter, filter_named
from xai_core.params import Size
from xai_core.pictures.colour_maps import COLOUR_MAPS, colour_table
from xai_core.pictures.overlays import AUTOMATIC, Look

FOLDER = Path(__file__).parent
SCRIPTS = ("fft", "payload", "filters", "colours", "spectrum", "controls", "navigation", "panes", "viewer")


@dataclass(frozen=True)
class Picked:
    """A clicked pixel of a map, counted from its upper left corner."""

    panel: str
    x: int
    y: int


@dataclass(frozen=True)
class ViewerState:
    """The viewer's settings; `picked` is set only in the run that follows a click."""

    look: Look = field(default_factory=Look)
    filters: tuple[Filter, ...] = ()
    picked: Picked | None = None


def viewer(
    photo: NDArray[np.uint8],
    panels: Sequence[Panel],
    *,
    key: str,
    start: ViewerState | None = None,
    picking: bool = False,
    columns: int = 1,
    inside: bool = False,
) -> ViewerState:
    """Show maps beside and over their photo, and return the viewer's settings.

    photo: (h, w, 3) uint8, the field of view of the maps at any resolution. panels: at least one. start: the settings
    when the viewer is first shown under `key`; after that the user's own apply. picking: report clicks, each with a
    rerun. columns: the number of panels side by side; with several, each initially shows only its overlay.
    inside: after filtering, cut each map to its frame and scale it to 0..1 there.
    Settings are reported when a slider is released, not while it moves. DataError if a map is not finite.
    """
    size = panels[0].map.shape
    held = _state(st.session_state.get(key, {}).get("settings"), None, start or ViewerState(), size)
    data = pack(photo, panels, _settings_of(held), picking, columns, inside)
    answer = _component()(key=key, data=data, on_settings_change=_nothing, on_picked_change=_nothing)
    return _state(answer.get("settings"), answer.get("picked"), held, size)


def browser_code() -> str:
    """Return the viewer's JavaScript module: the colour tables, then the scripts in order."""
    tables = {name: base64.b64encode(colour_table(name).tobytes()).decode() for name in COLOUR_MAPS}
    constants = {
        "TABLES": tables,
        "DIVERGING": [name for name, colours in COLOUR_MAPS.items() if colours.diverging],
        "AUTOMATIC": AUTOMATIC,
    }
    head = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
    return head + "\n".join((FOLDER / f"{name}.js").read_text("utf-8") for name in SCRIPTS)


@cache
def _component() -> Any:
    css = (FOLDER / "viewer.css").read_text("utf-8")
    return st.components.v2.component("vitrine_viewer", html='<div class="viewer"></div>', css=css, js=browser_code())


def _nothing() -> None:
    """Do nothing: a component returns a value only if it has a callback."""


def _settings_of(state: ViewerState) -> dict[str, Any]:
    filters = [{"id": chosen.id, "values": chosen.values()} for chosen in state.filters]
    return {"look": state.look.values(), "filters": filters}


def _state(settings: Any, picked: Any, start: ViewerState, size: Size) -> ViewerState:
    """Read what the browser sent; a browser can send anything, so values that no declaration allows are ignored."""
    try:
        chosen = settings or _settings_of(start)
        filters = tuple(filter_named(each["id"]).fitted(size, each["values"]) for each in chosen["filters"])
        return ViewerState(Look.fitted(None, chosen["look"]), filters, _picked(picked))
    except (ParamError, KeyError, TypeError):
        return start


def _picked(answer: Any) -> Picked | None:
    return Picked(str(answer["panel"]), int(answer["x"]), int(answer["y"])) if answer else None
