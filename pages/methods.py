"""Find the method that answers a question, and see each method's limits."""

import streamlit as st

from vitrine.ui import frame
from vitrine.ui.drawing.guide import advice, at_a_glance, entry, search_form
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.detection import methods as detection_methods  # noqa: F401  (registers them)

frame.within_app()
st.title("Methods")
st.caption("Every method answers a different question. Start with yours, compare, and try one on your own picture.")

st.subheader("Where to start")
advice()

st.subheader("All methods")
st.caption("Class-sensitive: a different class gives a different map. Class-blind: every class gives the same map.")
matches = search_form("guide")
if not matches:
    st.info("No method matches your search. Try different words, or fewer.", icon=":material/search_off:")
    st.stop()
one_by_one, table = st.tabs(["Details", "Table"])
with table:
    at_a_glance(matches)
with one_by_one:
    for place, method in enumerate(matches):
        if place == 0 or matches[place - 1].group != method.group:
            st.subheader(method.group, anchor=method.group.lower())
        entry(method)
