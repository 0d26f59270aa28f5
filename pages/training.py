"""See how a network's predictions changed during training."""

import streamlit as st

from vitrine.ui import frame
from vitrine.ui.training.flow import confusion, streams
from vitrine.ui.training.rows import chosen_picture, rows
from vitrine.ui.training.source import history_source
from vitrine.ui.training.table import downloads, table
from vitrine.ui.training.view import notes, overview, view_form

frame.within_app()
st.title("Training")
st.caption("See which pictures a network learned late, forgot or never learned, epoch by epoch.")

controls, answer = st.columns([2, 7], gap="medium")
with controls:
    history = history_source()
if history is None:
    with answer:
        st.info("Upload a history on the left, or start with the sample.", icon=":material/arrow_back:")
    st.stop()

with controls:
    view = view_form(history)
with answer:
    st.subheader(history.name, anchor=False)
    notes(history)
    overview(view)
    names = ["Heatmap", "Flow", "Final confusion matrix", "Table"]
    drawn = (rows, streams, confusion, table)
    for tab, draw in zip(st.tabs(names, key="training.tab", on_change="rerun"), drawn, strict=True):
        if tab.open:
            with tab:
                draw(view)
    chosen_picture(view)
    with st.expander("Download"):
        downloads(view, history)
