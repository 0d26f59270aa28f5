"""Ask for the labels that a model compares a picture with."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from model_adapters.common.typed_labels import PLACE, TypedLabels
from vitrine.ui import frame
from xai_core.types import ModelSource

EXAMPLES = "cat\ndog\nowl"
NONE = "Type at least one label, one per line."
TOO_FEW = "Type at least {at_least} labels, one per line, since their probabilities add up to 1; got {count}."


def typed_labels_form(source: ModelSource, place: str, at_least: int = 1) -> ModelSource | None:
    """Show the labels of a source, if there are any; return it with the typed ones once the button is pressed.

    place: tells the form apart from others on the page.
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
        if len(typed.names) >= at_least:
            return replace(source, reading=typed.choice.to_text())
        frame.warn(NONE if at_least == 1 else TOO_FEW.format(at_least=at_least, count=len(typed.names)))
    return None
