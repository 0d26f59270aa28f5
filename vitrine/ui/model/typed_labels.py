"""Ask for the labels that a model compares a picture with."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from model_adapters.common.typed_labels import PLACE, TypedLabels
from vitrine.ui import frame
from xai_core.types import Head, ModelSource

EXAMPLES = "cat\ndog\nowl"


def typed_labels_form(source: ModelSource, place: str, head: Head | None = None) -> ModelSource | None:
    """Show the labels of a source, if there are any; return it with the typed ones once the button is pressed.

    place: tells the form apart from others on the page. head: of the model, None if it is not open yet.
    """
    now = TypedLabels.from_text(source.reading)
    with st.form(f"typed.{place}.{source.digest[:12]}", border=False):
        labels = st.text_area("Labels, one per line", "\n".join(now.names), placeholder=EXAMPLES, height=160)
        prompt = st.text_input(
            "Prompt",
            now.prompt,
            help=f"The text that is compared with the picture; {PLACE} stands for the label. An article is optional.",
        )
        pressed = st.form_submit_button("Use these labels", type="primary")
    if not pressed:
        return None
    with frame.errors_in_words():
        typed = TypedLabels(labels, prompt)
        if not (sentence := typed.too_few(head)):
            return replace(source, reading=typed.choice.to_text())
        frame.warn(sentence)
    return None
