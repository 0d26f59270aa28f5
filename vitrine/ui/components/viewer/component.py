"""The viewer's Streamlit side: what goes to the browser, and what comes back."""

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
    """How a person has set the viewer; `picked` is there in the one run that follows a click."""

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
    """Show maps beside and over their photo, and return how the person has set the view.

    photo: (h, w, 3) uint8, the field of view of the maps in any resolution. panels: at least one. start: the setting
    of the first showing under `key`; from then on the person's holds. picking: report clicks, each with a rerun.
    columns: how many panels stand side by side; of several, each shows its overlay until a person asks for more.
    inside: once filtered, a map is cut to its frame, and stretched there from 0 to 1.
    The setting comes back once a slider is let go, never while it moves. DataError where a map is not finite.
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
    """A component's values come back only where a callback is named."""


def _settings_of(state: ViewerState) -> dict[str, Any]:
    filters = [{"id": chosen.id, "values": chosen.values()} for chosen in state.filters]
    return {"look": state.look.values(), "filters": filters}


def _state(settings: Any, picked: Any, start: ViewerState, size: Size) -> ViewerState:
    """Read what the browser sent; what no declaration allows is left out, as a browser can send anything."""
    try:
        chosen = settings or _settings_of(start)
        filters = tuple(filter_named(each["id"]).fitted(size, each["values"]) for each in chosen["filters"])
        return ViewerState(Look.fitted(None, chosen["look"]), filters, _picked(picked))
    except (ParamError, KeyError, TypeError):
        return start


def _picked(answer: Any) -> Picked | None:
    return Picked(str(answer["panel"]), int(answer["x"]), int(answer["y"])) if answer else None
