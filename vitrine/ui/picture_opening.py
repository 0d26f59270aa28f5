"""How an uploaded picture is opened, if that can be chosen: its page, the bands shown as colours, a window of greys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from vitrine.ui import session
from vitrine.ui.drawing.text import literal
from xai_core.pictures.files import Picture
from xai_core.pictures.opening import Opening

HELP = {param.name: param.help for param in Opening.params}
Reopen = Callable[[Opening], None]


def can_be_shown_otherwise(picture: Picture) -> bool:
    """Whether a picture's file can be opened in more than one way."""
    return picture.pages > 1 or picture.bands is not None or picture.windowed


def opening_form(picture: Picture, reopen: Reopen) -> None:
    """Show what can be chosen about a picture's file; `reopen` is called with the choice."""
    name, key = literal(picture.name, 60), picture.digest
    now = {"page": picture.page + 1, "bands": picture.shown_bands, "white": picture.white}
    if picture.pages > 1:
        session.put(f"page.{key}", picture.page + 1)
        label = f"Page of {name}, 1 to {picture.pages:,}"
        st.number_input(label, 1, picture.pages, key=f"page.{key}", on_change=_change, args=("page", key, now, reopen))
    if picture.bands is not None:
        _bands(picture, name, now, reopen)
    if picture.windowed:
        _window(picture, name, reopen)


def _bands(picture: Picture, name: str, now: dict[str, Any], reopen: Reopen) -> None:
    """Offer which bands are shown, and which of their values becomes 1 if they have more than 8 bits."""
    key = picture.digest
    session.put(f"bands.{key}", picture.shown_bands)
    changed: dict[str, Any] = {"on_change": _change, "args": ("bands", key, now, reopen)}
    label = f"Bands of {name} shown as colours"
    st.text_input(label, key=f"bands.{key}", placeholder="1,2,3", help=HELP["bands"], **changed)
    if picture.bands is not None and picture.bands.itemsize > 1:
        session.put(f"white.{key}", picture.white)
        changed["args"] = ("white", key, now, reopen)
        st.number_input(f"White of {name}", 0.0, 1e9, key=f"white.{key}", help=HELP["white"], format="%g", **changed)


def _change(field: str, key: str, now: dict[str, object], reopen: Reopen) -> None:
    reopen(Opening.from_json({**now, field: session.value_of(f"{field}.{key}"), "reduce": True}))


def _window(picture: Picture, name: str, reopen: Reopen) -> None:
    """Offer a window of a DICOM picture's grey values."""
    key = picture.digest
    with st.form(f"window.{key[:16]}", border=False):
        centre, width = st.columns(2)
        centre.number_input(f"Window centre of {name}", value=0.0, key=f"centre.{key}", help=HELP["window_centre"])
        width.number_input("Window width", 0.0, value=0.0, key=f"width.{key}", help=HELP["window_width"])
        st.form_submit_button("Apply the window", on_click=_apply_window, args=(picture, reopen))


def _apply_window(picture: Picture, reopen: Reopen) -> None:
    centre, width = (float(session.value_of(f"{side}.{picture.digest}")) for side in ("centre", "width"))
    reopen(Opening(page=picture.page + 1, window_centre=centre, window_width=width, reduce=True))
