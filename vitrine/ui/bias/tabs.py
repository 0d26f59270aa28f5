"""The tabs of the Bias page; only the open one is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.bias.classes import classes
from vitrine.ui.bias.download import downloads
from vitrine.ui.bias.groups import groups
from vitrine.ui.bias.heads import heads
from vitrine.ui.bias.inside import inside
from vitrine.ui.bias.layer import layer
from vitrine.ui.bias.overview import overview
from vitrine.ui.bias.selection import Selection

OPEN, MODEL = "bias.tab", "bias.model"


def tabs(selections: Sequence[Selection]) -> None:
    """Show the tabs about all models together, and about one of them."""
    drawn: dict[str, Callable[[], None]] = {
        "Overview": lambda: overview(selections),
        "Classes": lambda: classes(_one_of(selections)),
        "Groups": lambda: groups(_one_of(selections), selections),
        "Heads": lambda: heads(_one_of(selections)),
        "Inside the model": lambda: _within(_one_of(selections)),
        "Download": lambda: downloads(selections),
    }
    if not any(selection.predictions.heads for selection in selections):
        del drawn["Heads"]
    for tab, draw in zip(st.tabs(list(drawn), key=OPEN, on_change="rerun"), drawn.values(), strict=True):
        if tab.open:
            with tab, frame.errors_in_words():
                draw()


def _within(selection: Selection) -> None:
    inside(selection)
    st.divider()
    layer(selection)


def _one_of(selections: Sequence[Selection]) -> Selection:
    """Show a choice of one model, if there are several, and return it."""
    names = [selection.name for selection in selections]
    if len(selections) == 1:
        return selections[0]
    if session.value_of(MODEL) not in names:
        session.put(MODEL, names[0])
    return selections[names.index(st.selectbox("Model", names, key=MODEL, persist_state="session"))]
