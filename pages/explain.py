"""Ask why, and watch the answer appear."""

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.explain.question import question_form
from vitrine.ui.explain.results import results
from vitrine.ui.explain.runs import class_inquiries
from vitrine.ui.model.source import opening_progress
from vitrine.ui.picture_tray import picture_tray
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.trust.answer import is_busy
from vitrine.ui.trust.engines import classifier_trials, find_out, precision_choice
from vitrine.ui.trust.inquiry import runs_for

frame.within_app()
st.title("Explain")
prepared = session.slot(ClassifierSlot).prepared
if prepared is None:
    opening_progress()
    if session.slot(ClassifierSlot).opening is None:
        st.info(
            "No model is open. Open one on the Model page, or start with a sample there.",
            icon=":material/arrow_downward:",
        )
    st.page_link("pages/model.py", label="Open a model", icon=":material/model_training:")
    st.stop()

question = None
controls, answer = st.columns([1, 3], gap="medium")
with controls:
    with frame.fold("Pictures", opened=not session.workspace().pictures):
        chosen = picture_tray(choose=True)
    if chosen:
        with frame.errors_in_words():
            question = question_form(prepared, chosen)
    precision_choice(classifier_trials(prepared))
    automatic = st.toggle("Run automatically", True, key="automatic", persist_state="session")
    pressed = st.button("Run", type="primary", width="stretch")
with answer:
    if not chosen:
        st.info("Add a picture on the left, or tick a sample.", icon=":material/image:")
    elif question is not None:
        inquiries = class_inquiries(prepared, chosen, question)
        runs = runs_for(inquiries, session.slot(ClassifierSlot), start=automatic, again=pressed)
        if runs:
            results(runs)
        else:
            waits_for = "Press Run to see this result." if inquiries else "Choose a region on the left."
            st.info(waits_for, icon=":material/play_arrow:")
        if not is_busy(runs):  # this takes seconds, so it waits for the first answer
            find_out(classifier_trials(prepared))
