"""Choose a method: in a box to type in, or in a dialog that searches all methods."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from vitrine.example_pictures import example_in_words, example_of
from vitrine.ui import session
from vitrine.ui.drawing.guide import facts, guide_of, origin, search_form
from vitrine.ui.drawing.text import literal
from vitrine.ui.settings import address
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.guide import in_order, reason_against, summary
from xai_core.method import METHODS, Catalogued, Method
from xai_core.types import Card

FIRST_METHOD = "integrated_gradients"
OPEN = "chooser.open"
SMALL = 96


def method_chooser(card: Card) -> type[Method]:
    """Show the choice of method and the guide to the chosen one; return that method."""
    ids = [method.id for method in in_order("classify")]
    first = FIRST_METHOD if FIRST_METHOD in ids else ids[0]
    chosen = METHODS[address.choice("Method", ids, first, key="method", shown=_named(card))]
    st.caption(literal(summary(chosen)))
    st.button("All methods", key="all-methods", icon=":material/apps:", width="stretch", on_click=_open, args=(True,))
    if session.value_of(OPEN):
        _all_methods(card)
    with st.expander("About this method"):
        guide_of(chosen)
        st.caption(f"{facts(chosen)}  \n{origin(chosen)}")
    return chosen


def _named(card: Card) -> Callable[[str], str]:
    def shown(method_id: str) -> str:
        method = METHODS[method_id]
        return f"{method.title}{' (not possible)' if reason_against(method, card) else ''}"

    return shown


def _open(now: bool) -> None:
    session.put(OPEN, now)


@st.dialog("All methods", width="large", on_dismiss=lambda: _open(False))
def _all_methods(card: Card) -> None:
    matches = search_form("chooser", "classify")
    if not matches:
        st.info("No method matches your search. Try different words, or fewer.", icon=":material/search_off:")
    for place, method in enumerate(matches):
        if place == 0 or matches[place - 1].group != method.group:
            st.subheader(method.group)
        _entry(method, reason_against(method, card))


def _entry(method: type[Catalogued], reason: str) -> None:
    with st.container(border=True):
        picture, text, button = st.columns([1, 6, 2], vertical_alignment="center")
        if path := example_of(method):
            picture.image(path, alt=example_in_words(method), width=SMALL)
        title = f"**{literal(method.title)}** — {literal(summary(method))}"
        text.markdown(f":gray[{title}]" if reason else title)
        text.caption(facts(method))
        if reason:
            text.markdown(f":material/block: {literal(reason)}")
        with button:
            _choose_button(method, possible=not reason)


def _choose_button(method: type[Catalogued], possible: bool) -> None:
    label = f"Choose {method.title}"  # each button needs its own name for screen readers
    button = partial(st.button, label, key=f"choose.{method.id}", disabled=not possible, width="stretch", wrap=True)
    if button(on_click=_choose, args=(method.id,)):
        st.rerun()


def _choose(method_id: str) -> None:
    address.ask("method", method_id)
    _open(False)
