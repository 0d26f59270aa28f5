"""Vitrine: why did the image model say that? Page set-up and routing, nothing else."""

import streamlit as st

from vitrine.ui import address, frame

st.set_page_config(page_title="Vitrine", page_icon="vitrine/ui/icon.png", layout="wide")
st.logo("vitrine/ui/logo.svg", size="large")
page = frame.navigation()
frame.open_page()
address.arrive(page.url_path)
page.run()
