"""Choosing a method: a box to type into, and all methods to search through."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from vitrine.example_pictures import example_in_words, example_of
from vitrine.ui import address, session
from vitrine.ui.guide import facts, guide_of, origin, search_form
from vitrine.ui.text import literal
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.guide import in_order, reason_against, summary
from xai_core.method import METHODS, Catalogued, Method
from xai_core.types import Card

FIRST_METHOD = "integrated_gradients"
OPEN = "chooser.open"
SMALL = 96


def method_chooser(card: Card) -> type[Method]:
    """Show the choice of a method, and what a person should know of the chosen one; return it."""
    ids = [one.id for one in in_order("classify")]
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
        one = METHODS[method_id]
        return f"{one.group} · {one.title}{' (not possible)' if reason_against(one, card) else ''}"

    return shown


def _open(now: bool) -> None:
    session.put(OPEN, now)


@st.dialog("All methods", width="large", on_dismiss=lambda: _open(False))
def _all_methods(card: Card) -> None:
    found = search_form("chooser", "classify")
    if not found:
        st.info("No method matches your search. Try different words, or fewer.", icon=":material/search_off:")
    for place, one in enumerate(found):
        if place == 0 or found[place - 1].group != one.group:
            st.subheader(one.group)
        _entry(one, reason_against(one, card))


def _entry(one: type[Catalogued], reason: str) -> None:
    with st.container(border=True):
        picture, told, button = st.columns([1, 6, 2], vertical_alignment="center")
        if path := example_of(one):
            picture.image(path, alt=example_in_words(one), width=SMALL)
        title = f"**{literal(one.title)}** — {literal(summary(one))}"
        told.markdown(f":gray[{title}]" if reason else title)
        told.caption(facts(one))
        if reason:
            told.markdown(f":material/block: {literal(reason)}")
        with button:
            _choose_button(one, possible=not reason)


def _choose_button(one: type[Catalogued], possible: bool) -> None:
    label = f"Choose {one.title}"  # each button has a name of its own, for those who hear the page
    shown = partial(st.button, label, key=f"choose.{one.id}", disabled=not possible, width="stretch", wrap=True)
    if shown(on_click=_choose, args=(one.id,)):
        st.rerun()


def _choose(method_id: str) -> None:
    address.ask("method", method_id)
    _open(False)
