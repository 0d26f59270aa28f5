"""Vitrine: why did the image model say that? Page set-up and routing, nothing else."""

import streamlit as st

from ui import frame

st.set_page_config(page_title="Vitrine", page_icon="ui/icon.png", layout="wide")
pages = [
    st.Page("pages/model.py", title="Model", icon=":material/model_training:", url_path="model", default=True),
    st.Page("pages/explain.py", title="Explain", icon=":material/search:", url_path="explain"),
]
st.logo("ui/logo.svg", size="large")
page = st.navigation(pages, position="top")
frame.open_page()
page.run()
