"""Code that defines the network of uploaded weights: upload it, and choose what it builds."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from vitrine.ui import frame, uploads
from vitrine.ui.drawing.text import identifier, literal
from vitrine.ui.model.opening import open_model
from vitrine.ui.server.code_policy import policy_for_visit
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.errors import ChooseEntry
from xai_core.model_code import CodeEntry, CodeParameter
from xai_core.types import ModelSource

LARGEST_UPLOAD = 16  # MB
ABOUT = (
    "Upload the Python file that defines the network, or a zip of Python files, and the weights. You choose the class "
    "and check its arguments before anything runs. The code runs in the model's own sandbox: it sees no other file "
    "and no network."
)


def code_upload(slot: ClassifierSlot) -> None:
    """Take the code for weights that were refused, or for those that are uploaded next."""
    with st.expander("Weights with your own code (model.py)", icon=":material/code:", expanded=slot.code is not None):
        policy = policy_for_visit()
        if not policy.allowed:
            st.caption(literal(policy.reason))
            return
        st.caption(f"{ABOUT} {literal(policy.reason)}")
        key = f"code-file-{slot.codes_uploaded}"
        file = st.file_uploader("Code (.py or zip)", ["py", "zip"], key=key, max_upload_size=LARGEST_UPLOAD)
        if file is not None:
            slot.code = uploads.keep_code(file, file.name, slot.owner)
            slot.codes_uploaded += 1
            _open_with_code(slot)
            st.rerun()
        _kept_code(slot)


def with_code(source: ModelSource, slot: ClassifierSlot) -> ModelSource:
    """Return an uploaded model with the code that was uploaded before it, if any."""
    slot.entries = None
    return replace(source, code=slot.code)


def entry_form(source: ModelSource, slot: ClassifierSlot, question: ChooseEntry) -> None:
    """Ask what the code builds and with which arguments; open the model once the button is pressed."""
    assert source.code is not None
    likely = 0 if question.entries[0].reason else None
    key = f"code.{source.code.digest[:12]}"
    entry: CodeEntry | None = st.selectbox(
        "Class or function",
        question.entries,
        likely,
        key=f"{key}.entry",
        format_func=lambda entry: f"{entry.name} · {entry.kind} in {entry.file}",
        persist_state="session",
    )
    if entry is None:
        return
    with st.form(f"{key}.form", border=False):
        values = {p.name: _argument(p, f"{key}.{entry.name}.{p.name}") for p in entry.parameters}
        pressed = st.form_submit_button("Run this code and open", type="primary")
    missing = [p.name for p in entry.parameters if not (values[p.name] or p.default)]
    if pressed and missing:
        frame.warn(f"{entry.name} needs a value for {', '.join(missing)}.")
    elif pressed:
        arguments = ", ".join(f"{name}={value}" for name, value in values.items() if value)
        open_model(replace(source, code=replace(source.code, entry=entry.name, arguments=arguments)))
        st.rerun()


def change_entry(source: ModelSource) -> None:
    """Offer to choose again what the code of an open model builds."""
    if source.code is not None and st.button("Change the class or its arguments", icon=":material/code:"):
        open_model(replace(source, code=replace(source.code, entry="", arguments=None)))
        st.rerun()


def _argument(parameter: CodeParameter, key: str) -> str:
    default = f"default: {parameter.default}" if parameter.default else "required: the file does not give it"
    help_text = f"From the file: {literal(parameter.reason)}." if parameter.reason else None
    return st.text_input(
        identifier(parameter.name),
        parameter.value,
        key=key,
        placeholder=default,
        help=help_text,
        max_chars=300,
        persist_state="session",
    ).strip()


def _open_with_code(slot: ClassifierSlot) -> None:
    """Open the weights with the code if they could not be opened without it, or are still being opened."""
    waiting = slot.refused or (None if slot.prepared else slot.source)
    if waiting is not None and slot.opening is not None and waiting.owner == slot.owner:
        open_model(replace(with_code(waiting, slot), architecture=None, reading=""))


def _kept_code(slot: ClassifierSlot) -> None:
    if slot.code is None:
        return
    words, button = st.columns([4, 1], vertical_alignment="center")
    words.markdown(f"**{literal(slot.code.name, 80)}** is used with the weights that you upload.")
    if button.button("Remove", key="remove-code", width="stretch"):
        slot.code = None
        st.rerun()
