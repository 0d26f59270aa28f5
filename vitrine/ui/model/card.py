"""What was recognised in a model: its card, its preprocessing with the evidence, and its labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from model_adapters.common.typed_labels import TypedLabels
from vitrine.ui import frame, session
from vitrine.ui.drawing.text import literal
from vitrine.ui.model.code import change_entry
from vitrine.ui.model.opening import open_model
from vitrine.ui.model.typed_labels import typed_labels_form
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.trust.engines import classifier_trials, engine_list
from xai_core.errors import ParamError
from xai_core.method import NEED_IN_WORDS
from xai_core.preprocessing import FITS, RESAMPLES, Preprocessing
from xai_core.scores import IN_WORDS, has_probabilities
from xai_core.services.parsing.questions.read_labels import ReadLabels
from xai_core.services.preparation import Prepared
from xai_core.types import OF_CLASSIFIERS, Card
from xai_core.wording import format_in_words

AS_RECOGNISED = "the one that was recognised"


def model_card(prepared: Prepared) -> None:
    """Show what a model is and what it supports."""
    card = prepared.card
    sides = (card.input.width, card.input.height)
    size = f"{sides[0] or 'any'} × {sides[1] or 'any'} px" if any(sides) else "any size"
    channels = f"{card.input.channels} channel{'s' if card.input.channels > 1 else ''}"
    facts = {
        "Model": prepared.source.name,
        "Framework": format_in_words(card.format),
        "Architecture": card.architecture or "not stated in the file",
        "Input": f"{size}, {channels}, {card.input.layout}",
        "Task": "labels every pixel" if card.task == "segment" else "labels the whole picture",
        "Outputs": _outputs(prepared),
    }
    st.markdown("  \n".join(f"**{name}** {literal(value, 120)}" for name, value in facts.items()))
    offered = [words for capability, words in NEED_IN_WORDS.items() if capability in card.capabilities]
    st.markdown(f":material/check_circle: Supports {', '.join(offered)}")
    for capability in OF_CLASSIFIERS & ~card.capabilities:
        reason = card.missing.get(capability.name or "", "this model does not support it.")
        st.markdown(f":material/block: Does not support {NEED_IN_WORDS[capability]}: {literal(reason)}")
    trials = classifier_trials(prepared)
    engine_list(trials.job, trials.same)
    for note in card.notes:
        st.caption(literal(note))
    file_settings(card, "model.settings")
    _other_networks(prepared)
    change_entry(prepared.source)


def _outputs(prepared: Prepared) -> str:
    card = prepared.card
    if not has_probabilities(card):
        return f"{card.classes:,}, {IN_WORDS['similarity' if prepared.references else card.head]}"
    ends = "logits" if card.gives == "logit" else "probabilities"
    return f"{card.classes:,} classes, ends in {ends} ({card.head})"


def file_settings(card: Card, key: str) -> None:
    """Show what a checkpoint says beside its weights, such as the settings of its training. key: of the table."""
    if card.settings:
        with st.expander(f"What else the file says ({len(card.settings)})", icon=":material/list:"):
            rows = pd.DataFrame(card.settings.items(), columns=["Name", "Value"])
            st.dataframe(rows, hide_index=True, key=key, alt="What the file says beside its weights")


def _other_networks(prepared: Prepared) -> None:
    """Offer the other networks that the file may hold, and the recognised one if another was chosen."""
    source, choices = prepared.source, list(prepared.card.choices)
    if source.architecture:
        choices.insert(0, AS_RECOGNISED)
    if not choices:
        return
    chosen = st.selectbox("Open as another network", choices, index=None, key=f"network.{source.digest}")
    if chosen and st.button("Open as this network"):
        open_model(replace(source, architecture=None if chosen == AS_RECOGNISED else chosen))
        st.rerun()


def preprocessing_form(prepared: Prepared) -> None:
    """Show the preprocessing with the evidence for it, and let the user change each field."""
    rows = {
        literal(c.name): ["✓" if c.preprocessing == prepared.preprocessing else "", literal(c.evidence, 600)]
        for c in prepared.candidates
    }
    st.table(pd.DataFrame.from_dict(rows, orient="index", columns=["Active", "Evidence"]))
    ways = {c.name: c.preprocessing for c in prepared.candidates}
    key = f"preparation.{prepared.source.digest}"
    session.put(key, next((name for name, way in ways.items() if way == prepared.preprocessing), None))
    st.selectbox(
        "Preprocessing", ways, key=key, placeholder="your own", on_change=_choose, args=(key, ways), index=None
    )
    with st.expander("Change each field"), frame.errors_in_words():
        _fields(prepared)


def _choose(key: str, ways: dict[str, Preprocessing]) -> None:
    slot, name = session.slot(ClassifierSlot), session.value_of(key)
    if slot.prepared is not None and name is not None:
        slot.prepared = replace(slot.prepared, preprocessing=ways[name])


def _fields(prepared: Prepared) -> None:
    now, spec = prepared.preprocessing, prepared.card.input
    with st.form("preprocessing"):
        a, b, c = st.columns(3)
        height = a.number_input("Height (px)", 1, 4096, now.height, disabled=spec.height is not None)
        width = b.number_input("Width (px)", 1, 4096, now.width, disabled=spec.width is not None)
        share = c.number_input("Crop share", 0.1, 1.0, now.crop_share, 0.005, format="%.3f")
        fit = a.selectbox("Fit", FITS, FITS.index(now.fit))
        resample = a.selectbox("Resampling", RESAMPLES, RESAMPLES.index(now.resample))
        scales = sorted({1.0, 255.0, now.scale})
        orders = {1: ["gray"], 3: ["RGB", "BGR"]}.get(spec.channels, ["bands"])
        channels = b.selectbox("Channels", orders, orders.index(now.channels))
        scale = c.selectbox("Values", scales, scales.index(now.scale), format_func=lambda s: f"0..{s:g}")
        mean = a.text_input("Mean, one number per channel", ", ".join(f"{m:g}" for m in now.mean))
        std = b.text_input("Standard deviation", ", ".join(f"{s:g}" for s in now.std))
        if st.form_submit_button("Apply"):
            values = {"height": height, "width": width, "fit": fit, "crop_share": share, "channels": channels}
            values |= {"scale": scale, "mean": numbers(mean), "std": numbers(std), "resample": resample}
            made = Preprocessing.from_json(values)
            session.slot(ClassifierSlot).prepared = replace(prepared, preprocessing=made)
            st.rerun()


def numbers(text: str) -> list[float]:
    """Read numbers separated by commas; ParamError if one is not a number."""
    try:
        return [float(part) for part in text.replace(";", ",").split(",") if part.strip()]
    except ValueError:
        raise ParamError(f"Mean and standard deviation must be numbers separated by commas; got {text!r}.") from None


def _labels_in(file: Any, card: Card) -> ReadLabels:
    return ReadLabels(file.getvalue(), card.classes, file.name, both_sides=card.both_sides)


def label_form(prepared: Prepared) -> None:
    """Show the class names, and accept a file with different ones, or different labels to compare with."""
    if TypedLabels.from_text(prepared.source.reading).names:
        st.caption("The model compares the picture with these texts. If you change them, it opens again.")
        if (typed := typed_labels_form(prepared.source, "open", prepared.card.head)) is not None:
            open_model(typed)
            st.rerun()
        return
    space = session.workspace()
    shown = ", ".join(prepared.labels[:6])
    st.markdown(f"{len(prepared.labels):,} classes: {literal(shown, 200)}{' …' if len(prepared.labels) > 6 else ''}")
    file = st.file_uploader("Labels (txt, json or csv)", key=f"labels.{prepared.source.digest}", max_upload_size=4)
    if file is not None and file.file_id not in space.seen:
        with frame.errors_in_words():
            labels = session.parser().ask(_labels_in(file, prepared.card))
            space.seen.add(file.file_id)
            session.slot(ClassifierSlot).prepared = replace(prepared, labels=labels)
            st.rerun()
