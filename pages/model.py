"""Open a model, see what it is, and see its predictions before any map."""

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.explain.predictions import prediction_strip
from vitrine.ui.model.card import label_form, model_card, preprocessing_form
from vitrine.ui.model.scoring import scoring_form
from vitrine.ui.model.source import model_source
from vitrine.ui.picture_tray import picture_tray
from vitrine.ui.segmentation.strip import segmentation_strip
from vitrine.ui.slots.classifier import ClassifierSlot

frame.within_app()
st.title("Why did it say that?")
st.caption(
    "Open a trained image classifier or a segmentation network, and add some pictures. Check that its "
    "predictions are right, then ask why."
)

models, pictures = st.columns(2, gap="large")
with models:
    st.subheader("Model")
    model_source()
with pictures:
    st.subheader("Pictures")
    at_hand = picture_tray()

prepared = session.slot(ClassifierSlot).prepared
if prepared is None:
    st.info("Open a model above, or start with a sample. Its predictions appear here.", icon=":material/arrow_upward:")
    st.stop()

st.subheader("What it says")
if at_hand:
    with frame.errors_in_words():
        if prepared.card.task == "segment":
            segmentation_strip(prepared, at_hand)
        else:
            prediction_strip(prepared, at_hand)
    st.page_link("pages/explain.py", label="Explain these predictions", icon=":material/search:")
else:
    st.info("Add a picture above, or tick a sample, to see the predictions.", icon=":material/image:")
if prepared.card.task == "classify":
    st.page_link("pages/bias.py", label="Test it on labelled pictures: Bias", icon=":material/balance:")

recognised, outputs, preparation, labels = st.tabs(["Model details", "Outputs", "Preprocessing", "Labels"])
with recognised:
    model_card(prepared)
with outputs:
    scoring_form(prepared, at_hand)
with preparation:
    preprocessing_form(prepared)
with labels:
    label_form(prepared)
