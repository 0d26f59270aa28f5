"""See where a classifier is unfair: between classes, and between groups of pictures."""

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.bias.columns import columns_form
from vitrine.ui.bias.forms import filters_form, settings_form
from vitrine.ui.bias.published import published
from vitrine.ui.bias.selection import selections_of
from vitrine.ui.bias.source import bias_source
from vitrine.ui.bias.tabs import tabs
from vitrine.ui.slots.bias import BiasSlot

frame.within_app()
st.title("Bias")
st.caption("Upload a classifier's predictions for labelled pictures, and see which classes and groups it serves worse.")
controls, answer = st.columns([1, 3], gap="medium")
with controls:
    held = bias_source()
with answer:
    choosing = columns_form(session.slot(BiasSlot))
if not held and choosing:
    st.stop()
if not held:
    with answer, st.container():  # in one container, so that all of it disappears as soon as anything else is shown
        job = session.slot(BiasSlot).asking
        if job is None or job.state.ended:
            st.info("Upload predictions on the left, or start with the sample.", icon=":material/arrow_back:")
        else:
            st.info("The model is predicting the pictures. Metrics will appear here.", icon=":material/hourglass_top:")
        published()
    st.stop()

with controls:
    subset = filters_form(held)
    settings = settings_form(held)
with answer:
    selections, absent = selections_of(session.slot(BiasSlot), subset, settings)
    for name, sentence in absent.items():
        frame.warn(f"{name}: {sentence}")
    if selections:
        tabs(selections)
