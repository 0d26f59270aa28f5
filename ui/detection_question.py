"""What is asked about boxes: one or several methods, each with its parameters."""

from __future__ import annotations

import streamlit as st

from ui import address, frame, session
from ui.controls import parameter_form
from ui.guide import facts, guide_of, origin
from ui.text import literal
from xai_core.detection import methods  # noqa: F401  (registers them)
from xai_core.detection.method import DETECTION_METHODS, DetectionMethod, detection_method_named
from xai_core.guide import in_order, reason_against, summary
from xai_core.params import Size
from xai_core.types import Card

KEY = "methods"
FIRST_CHOICES = ("box_gradcam", "drise")  # quick and about the box; the other needs nothing but boxes


def methods_form(card: Card, size: Size) -> list[DetectionMethod]:
    """Show which methods can be asked, with the parameters of those that are chosen; return these, configured.

    size: height and width of the picture as the detector gets it. A method whose values contradict is left out, and
    the reason is shown.
    """
    _first_choice(card)
    made = []
    with st.container(gap="xsmall"):
        st.markdown("**Methods**")
        for one in in_order("detect"):
            if _chosen(one.id, reason_against(one, card)):
                with st.container(border=True), frame.errors_in_words():
                    made.append(parameter_form(DETECTION_METHODS[one.id], size, card))
    ids = ",".join(one.id for one in in_order("detect") if session.value_of(_key(one.id)))
    address.keep(KEY, ids, _usual(card))
    address.faults()
    return made


def _chosen(id: str, reason: str) -> bool:
    method = DETECTION_METHODS[id]
    box, about = st.columns([5, 1], vertical_alignment="center")
    if reason:
        session.put(_key(id), False)
    chosen = box.checkbox(method.title, key=_key(id), disabled=bool(reason), persist_state="session")
    with about.popover("", icon=":material/info:", help=f"About {method.title}", type="tertiary"):
        st.markdown(f"**{literal(method.title)}** — {literal(summary(method))}")
        guide_of(method)
        st.caption(f"{facts(method)}  \n{origin(method)}")
    if reason:
        st.caption(f":material/block: {literal(reason)}")
    return bool(chosen)


def _first_choice(card: Card) -> None:
    """Tick what the address asks for; on the first showing, or where nothing ticked is possible, what suits most."""

    def read(text: str) -> str:
        for id in filter(None, text.split(",")):
            detection_method_named(id)
        return text

    asked = session.value_of(KEY)
    address.first_value(KEY, _usual(card), read)
    if session.value_of(KEY) != asked:
        for id in DETECTION_METHODS:
            session.put(_key(id), id in session.value_of(KEY).split(","))
    ticked = [id for id in DETECTION_METHODS if session.value_of(_key(id))]
    if ticked and all(reason_against(DETECTION_METHODS[id], card) for id in ticked) and _usual(card):
        session.put(_key(_usual(card)), True)


def _usual(card: Card) -> str:
    possible = [one.id for one in in_order("detect") if not reason_against(one, card)]
    return next((id for id in FIRST_CHOICES if id in possible), next(iter(possible), ""))


def _key(id: str) -> str:
    return f"use.{id}"
