"""Find the method that answers a question, and see what each can and can not say."""

import streamlit as st

from vitrine.ui import frame
from vitrine.ui.guide import advice, at_a_glance, entry, search_form
from xai_core import methods  # noqa: F401  (registers them)
from xai_core.detection import methods as detection_methods  # noqa: F401  (registers them)

frame.within_app()
st.title("Methods")
st.caption("Each method answers another question. Start with yours, then compare, and try one on your own picture.")

st.subheader("Where to start")
advice()

st.subheader("All methods")
st.caption("Class-sensitive: another class gives another map. Class-blind: the map is the same whatever is asked.")
found = search_form("guide")
if not found:
    st.info("No method matches your search. Try different words, or fewer.", icon=":material/search_off:")
    st.stop()
one_by_one, table = st.tabs(["One by one", "Table to sort"])
with table:
    at_a_glance(found)
with one_by_one:
    for place, one in enumerate(found):
        if place == 0 or found[place - 1].group != one.group:
            st.subheader(one.group, anchor=one.group.lower())
        entry(one)
