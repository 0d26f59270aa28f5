"""A page with nothing but the viewer, for tests in the browser."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from vitrine.ui.components.viewer import Panel, viewer


def waves(height: int, width: int, seed: int) -> np.ndarray:
    """Return a signed map with slow and quick changes."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    slow = np.exp(-((x - width * 0.6) ** 2 + (y - height * 0.45) ** 2) / (width * height * 0.02))
    quick = np.random.default_rng(seed).normal(size=(height, width)) * 0.25 * (slow + 0.15)
    return (slow - 0.25 * np.cos(x / width * 6) * (1 - slow) * 0.4 + quick).astype(np.float32)


def photo(height: int, width: int) -> np.ndarray:
    """Return a picture of soft colours."""
    y, x = np.mgrid[:height, :width]
    channels = [128 + 90 * np.sin(x / width * 5), 128 + 90 * np.cos(y / height * 4), 100 + 60 * np.sin((x + y) / 60)]
    return np.stack(channels, axis=-1).astype(np.uint8)


if __name__ == "__main__":
    st.set_page_config(page_title="Viewer", layout="wide")
    seed = st.session_state.setdefault("seed", 0)
    if st.button("Next"):
        seed = st.session_state.seed = seed + 1
    maps = waves(224, 224, seed), waves(224, 224, seed + 100)
    panels = [
        Panel("tabby <b>cat</b>", maps[0], "71.2%", np.abs(maps[0]) / 10),
        Panel("Egyptian cat", maps[1], "12.3%"),
    ]
    if beside := st.toggle("Side by side"):
        panels = [replace(panel, frame=(0.25, 0.25, 0.5, 0.75)) for panel in panels]
    place = st.columns(1)[0] if st.button("Move") else st.container()
    with place:
        state = viewer(photo(448, 448), panels, key="viewer", picking=True, columns=1 + beside, inside=beside)
    st.code(repr(state), language=None)
    st.caption(f"Maps {seed}")
