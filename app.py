"""Vitrine: why did the image model say that? Page set-up and routing, nothing else."""

from pathlib import Path

import streamlit as st

from vitrine.ui import frame, garbage
from vitrine.ui.settings import address

UI = Path(frame.__file__).parent
st.set_page_config(page_title="Vitrine", page_icon=str(UI / "icon.png"), layout="wide")
st.logo(str(UI / "logo.svg"), size="large")
frame.explain_every_error()
page = frame.navigation()
frame.open_page()
address.arrive(page.url_path)
try:
    page.run()
finally:
    garbage.tidy()
