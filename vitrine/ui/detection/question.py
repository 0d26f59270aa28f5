"""The question about boxes: one or more methods, each with its parameters."""

from __future__ import annotations

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.detection.boxes import Scene
from vitrine.ui.drawing.guide import facts, guide_of, origin
from vitrine.ui.drawing.text import literal
from vitrine.ui.settings import address
from vitrine.ui.settings.controls import parameter_form
from xai_core.detection import methods  # noqa: F401  (registers them)
from xai_core.detection.method import DETECTION_METHODS, DetectionMethod, detection_method_named
from xai_core.guide import in_order, reason_against, summary
from xai_core.types import Card

KEY = "methods"
FIRST_CHOICES = ("box_gradcam", "drise")  # the first is quick and explains the box; the second needs nothing but boxes


def methods_form(scene: Scene) -> list[DetectionMethod]:
    """Show the methods, with the parameters of the chosen ones, and return the chosen ones, configured.

    A method whose parameters contradict each other is omitted, and the reason is shown.
    """
    card = scene.prepared.card
    ticked, configured = _ticked(card), []
    with st.container(gap="xsmall"):
        faults = st.container()
        st.markdown("**Methods**")
        for method in in_order("detect"):
            session.put(_key(method.id), method.id in ticked)
            if _chosen(method.id, reason_against(method, card)):
                with st.container(border=True), frame.errors_in_words():
                    configured.append(_configured(DETECTION_METHODS[method.id], scene))
    address.keep(KEY, ",".join(ticked), _usual(card))
    with faults:
        address.faults()
    return configured


def _configured(chosen: type[DetectionMethod], scene: Scene) -> DetectionMethod:
    method = parameter_form(chosen, (scene.photo.shape[0], scene.photo.shape[1]), scene.prepared.card)
    if cost := scene.cost_of(method).in_words:
        st.caption(f":material/hourglass_empty: {literal(cost)}")
    return method


def _chosen(method_id: str, reason: str) -> bool:
    method = DETECTION_METHODS[method_id]
    box, about = st.columns([5, 1], vertical_alignment="center")
    chosen = box.checkbox(
        method.title, key=_key(method_id), disabled=bool(reason), persist_state="session", on_change=_choose
    )
    with about.popover("", icon=":material/info:", help=f"About {method.title}", type="tertiary"):
        st.markdown(f"**{literal(method.title)}** — {literal(summary(method))}")
        guide_of(method)
        st.caption(f"{facts(method)}  \n{origin(method)}")
    if reason:
        st.caption(f":material/block: {literal(reason)}")
    return bool(chosen)


def _ticked(card: Card) -> list[str]:
    """Return the methods that the user or the link chose, or the default if none of them is possible."""

    def read(text: str) -> str:
        for method_id in filter(None, text.split(",")):
            detection_method_named(method_id)
        return text

    address.first_value(KEY, None, read)
    chosen = session.value_of(KEY)
    if chosen is None:
        return [_usual(card)]
    wanted = [method for method in in_order("detect") if method.id in chosen.split(",")]
    possible = [method.id for method in wanted if not reason_against(method, card)]
    return possible or [_usual(card)] * bool(wanted)


def _choose() -> None:
    """Keep the ticked methods as the user's choice, also for the next detector."""
    session.put(KEY, ",".join(method_id for method_id in DETECTION_METHODS if session.value_of(_key(method_id))))


def _usual(card: Card) -> str:
    possible = [method.id for method in in_order("detect") if not reason_against(method, card)]
    return next((method_id for method_id in FIRST_CHOICES if method_id in possible), next(iter(possible), ""))


def _key(method_id: str) -> str:
    return f"use.{method_id}"
