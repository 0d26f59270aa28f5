"""Ask which output of a classifier holds its class scores."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from model_adapters.common.output_choice import OutputChoice
from vitrine.ui.drawing.text import literal
from xai_core.errors import ChooseOutput
from xai_core.services.output_answers import OutputAnswer
from xai_core.types import ModelSource


def output_form(source: ModelSource, question: ChooseOutput) -> ModelSource | None:
    """Show what each output would answer; return the source with the chosen one once the button is pressed."""
    choices = [answer for answer in question.outputs if answer.output.classes]
    likely = next((at for at, answer in enumerate(choices) if answer.output.reason), None)
    with st.form(f"outputs.{source.digest[:12]}", border=False):
        chosen = st.radio(
            "Output with the class scores",
            range(len(choices)),
            likely,
            format_func=lambda at: _name(choices[at]),
            captions=[_caption(answer) for answer in choices],
        )
        for answer in question.outputs:
            if not answer.output.classes:
                st.caption(f"{_name(answer)}: not one score per class")
        pressed = st.form_submit_button("Open", type="primary")
    if not pressed or chosen is None:
        return None
    choice = replace(OutputChoice.from_text(source.reading), output=choices[chosen].output.name)
    return replace(source, reading=choice.to_text())


def _name(answer: OutputAnswer) -> str:
    return f"**{literal(answer.output.name, 80)}** · {answer.size}"


def _caption(answer: OutputAnswer) -> str:
    """Return the five most probable classes by this output, and whether it is the likely one; the question says why."""
    best = ", ".join(f"{literal(label, 40)} {value:.3g}" for label, value in answer.top)
    answered = f"For {literal(answer.picture, 60)}: {best}." if best else "It gave no answer to the picture."
    return f"{answered} Most likely." if answer.output.reason else answered
