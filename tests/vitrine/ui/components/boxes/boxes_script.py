"""A page with nothing but a picture with boxes, for tests in the browser."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitrine.ui.components.boxes import Box, box_picture

BOXES = [
    Box(1, "dog", 0, "91%", (20, 20, 220, 220)),
    Box(2, "<b>cat</b>", 1, "84%", (60, 60, 120, 120)),
    Box(3, "bird", 2, "40%", (300, 150, 380, 280), faint=True),
]

if __name__ == "__main__":
    chosen = st.session_state.setdefault("chosen", ())
    if st.button("Choose the third"):
        chosen = st.session_state.chosen = (3,)

    def heard(numbers: tuple[int, ...]) -> None:
        st.session_state.chosen = numbers

    photo = np.full((300, 400, 3), (90, 120, 150), np.uint8)
    box_picture(photo, BOXES, chosen, key="picture", most=2, when_chosen=heard)
    st.code(f"chosen {list(chosen)}", language=None)
