"""The tabs of the Bias page; only the one that is open is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.bias.classes import classes
from vitrine.ui.bias.download import downloads
from vitrine.ui.bias.filters import Part
from vitrine.ui.bias.groups import groups
from vitrine.ui.bias.heads import heads
from vitrine.ui.bias.inside import inside
from vitrine.ui.bias.layer import layer
from vitrine.ui.bias.overview import overview
from xai_core.bias.settings import Settings

OPEN, MODEL = "bias.tab", "bias.model"


def tabs(parts: Sequence[Part], settings: Settings) -> None:
    """Show what can be said of all models together, and of one of them."""
    drawn: dict[str, Callable[[], None]] = {
        "Overview": lambda: overview(parts, settings),
        "Classes": lambda: classes(_one(parts), settings),
        "Groups": lambda: groups(_one(parts), parts, settings),
        "Heads": lambda: heads(_one(parts), settings),
        "Inside the model": lambda: _within(_one(parts)),
        "Download": lambda: downloads(parts, settings),
    }
    if not any(part.found.heads for part in parts):
        del drawn["Heads"]
    for tab, draw in zip(st.tabs(list(drawn), key=OPEN, on_change="rerun"), drawn.values(), strict=True):
        if tab.open:
            with tab, frame.errors_in_words():
                draw()


def _within(part: Part) -> None:
    inside(part)
    st.divider()
    layer(part)


def _one(parts: Sequence[Part]) -> Part:
    """Show a choice of one model, where there are several, and return it."""
    names = [part.name for part in parts]
    if len(parts) == 1:
        return parts[0]
    if session.value_of(MODEL) not in names:
        session.put(MODEL, names[0])
    return parts[names.index(st.selectbox("Model", names, key=MODEL, persist_state="session"))]
