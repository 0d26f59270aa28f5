"""What a model's outputs are: what is assumed and how to change it, thresholds, and references of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from model_adapters.common.output_choice import OutputChoice
from vitrine.ui import session
from vitrine.ui.drawing.text import literal
from vitrine.ui.model.opening import open_model
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.pictures.files import Picture
from xai_core.scores import IN_WORDS, assumption, is_multi_label
from xai_core.services.preparation import Prepared
from xai_core.types import Head, ModelSource

NUMBERS = "They are explained directly. Measures of probability do not apply."
SIDES = "The single output is read as the logit of one class against its opposite (sigmoid)."
NO_REFERENCE = "Add a picture, then choose it here as the reference for the others."


def asked_scoring(source: ModelSource) -> ModelSource | None:
    """Ask what the outputs are, since they do not look like classes; return the source with the answer, once given."""
    with st.form(f"scoring.{source.digest[:12]}", border=False):
        chosen = st.radio("The outputs are", list(IN_WORDS), None, format_func=_in_words)
        pressed = st.form_submit_button("Open", type="primary")
    return _read_as(source, chosen) if pressed and chosen else None


def scoring_form(prepared: Prepared, pictures: Sequence[Picture]) -> None:
    """Show what the outputs are taken to be, let the user change it, and offer what depends on it."""
    card = prepared.card
    compared = bool(prepared.references) or card.head == "similarity"
    now: Head = "similarity" if compared else card.head
    st.markdown(SIDES if card.both_sides else f"The outputs are read as {literal(IN_WORDS[now])}.")
    if assumed := assumption(card):
        st.info(literal(assumed), icon=":material/help:")
    if is_multi_label(card) or card.both_sides:
        _threshold(prepared)
    if compared:
        _references(prepared, pictures)
    elif card.head == "none":
        st.caption(NUMBERS)
    _other_scoring(prepared, now)


def _threshold(prepared: Prepared) -> None:
    key = f"threshold.{prepared.source.digest}"
    session.put(key, prepared.threshold)
    st.slider(
        "Threshold",
        0.0,
        1.0,
        step=0.01,
        key=key,
        help="A class is predicted if its probability reaches this value. A higher threshold predicts fewer classes.",
        on_change=_set_threshold,
        args=(key,),
    )


def _set_threshold(key: str) -> None:
    slot, value = session.slot(ClassifierSlot), session.value_of(key)
    if slot.prepared is not None and value is not None:
        slot.prepared = replace(slot.prepared, threshold=float(value))


def _references(prepared: Prepared, pictures: Sequence[Picture]) -> None:
    offered = {picture.digest: picture for picture in (*prepared.references, *pictures)}
    if not offered:
        st.info(NO_REFERENCE, icon=":material/image:")
        return
    key = f"references.{prepared.source.digest}"
    session.put(key, [picture.digest for picture in prepared.references])
    st.multiselect(
        "Reference pictures",
        list(offered),
        key=key,
        format_func=lambda digest: offered[digest].name if digest in offered else "?",
        help="The score is the cosine of the angle between embeddings: 1 for pictures that look alike to the model.",
        on_change=_compare,
        args=(key, offered),
    )


def _compare(key: str, offered: dict[str, Picture]) -> None:
    slot = session.slot(ClassifierSlot)
    chosen = [offered[digest] for digest in session.value_of(key) or () if digest in offered]
    if slot.prepared is not None:
        slot.prepared = slot.prepared.compared_with(chosen)


def _other_scoring(prepared: Prepared, now: Head) -> None:
    if prepared.card.gives == "probability" and prepared.card.head_known:
        return
    others = [head for head in IN_WORDS if head != now]
    key = f"scoring.{prepared.source.digest}.{prepared.source.reading}"
    chosen = st.selectbox("Read the outputs as", others, index=None, key=key, format_func=_in_words)
    if chosen and st.button("Read outputs this way"):
        open_model(_read_as(prepared.source, chosen))
        st.rerun()


def _in_words(head: Head) -> str:
    return f"{IN_WORDS[head][:1].upper()}{IN_WORDS[head][1:]}"


def _read_as(source: ModelSource, scoring: Head) -> ModelSource:
    choice = OutputChoice.from_text(source.reading)
    return replace(source, reading=replace(choice, scoring=scoring).to_text())
