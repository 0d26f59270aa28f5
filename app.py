"""Vitrine: why did the image model say that? Page set-up and routing, nothing else."""

import streamlit as st

from ui import address, frame

st.set_page_config(page_title="Vitrine", page_icon="ui/icon.png", layout="wide")
st.logo("ui/logo.svg", size="large")
page = frame.navigation()
frame.open_page()
address.arrive(page.url_path)
page.run()
