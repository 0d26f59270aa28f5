"""The maps of boxes: all methods side by side, with what ran and how far to trust it below each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import streamlit as st

from vitrine.ui import session
from vitrine.ui.components.viewer import Panel, ViewerState, viewer
from vitrine.ui.detection.runs import BoxInquiry
from vitrine.ui.drawing.text import literal
from vitrine.ui.slots.detector import DetectorSlot
from vitrine.ui.trust.answer import below_the_map, follow, how_it_ended
from vitrine.ui.trust.inquiry import Run
from xai_core.types import Estimate

POLL_SECONDS = 0.25
A_MAP_SECONDS = 0.05  # what sending and drawing each map takes
MOST_COLUMNS = 3
INSIDE = "Only inside the boxes"
Answered = Sequence[tuple[BoxInquiry, Estimate]]


def box_results(runs: Sequence[Run[BoxInquiry]]) -> None:
    """Show all runs on one picture, and follow them until the last one has ended."""
    maps = sum(len(run.inquiry.numbers) for run in runs)
    follow(runs, _draw, POLL_SECONDS + A_MAP_SECONDS * maps)


def what_is_missing(numbers: Sequence[int], methods: Sequence[object]) -> str:
    """Return what the user has to do for an answer to appear."""
    if not numbers:
        return "Click a box, or choose one in the list, to see why it was drawn."
    return "Press Run to see this result." if methods else "Select a method on the left to see why the box was drawn."


def offer_to_run(inquiries: Sequence[BoxInquiry], runs: Sequence[Run[BoxInquiry]]) -> None:
    """Show the cost of the answers that have not begun, each with a button that starts it."""
    begun = {run.inquiry.key for run in runs}
    for inquiry in inquiries:
        if inquiry.key in begun:
            continue
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            title = inquiry.method.title
            st.markdown(f":material/hourglass_empty: **{literal(title)}** takes {literal(inquiry.cost)}.")
            st.button(f"Run {title}", key=f"begin.{inquiry.place}", type="primary", on_click=inquiry.begin)


def _draw(runs: Sequence[Run[BoxInquiry]]) -> None:
    answered = [(run.inquiry, run.job.state.latest) for run in runs if run.job.state.latest is not None]
    if answered:
        _maps(answered)
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            how_it_ended(run)
            below_the_map(run, run.inquiry.slot.view or ViewerState())


def _maps(answered: Answered) -> None:
    first, _ = answered[0]
    inside = st.toggle(
        INSIDE,
        key="detection.inside",
        persist_state="session",
        help="Shows each map inside its own box only, stretched to the whole range of colours there.",
    )
    positions = range(len(first.numbers))
    panels = [_panel(inquiry, estimate, place) for place, (inquiry, estimate) in product(positions, answered)]
    slot, columns = session.slot(DetectorSlot), _columns(len(answered), len(panels))
    key = f"maps.{first.scene.place}"
    slot.view = viewer(first.scene.photo, panels, key=key, start=slot.view, columns=columns, inside=inside)


def _columns(methods: int, panels: int) -> int:
    """Return how many maps are side by side: all methods for a box, or the boxes of a single method."""
    several = panels if methods == 1 else methods
    return several if several <= MOST_COLUMNS else 2 + (several != 4)


def _panel(inquiry: BoxInquiry, estimate: Estimate, position: int) -> Panel:
    height, width = inquiry.scene.photo.shape[:2]
    errors = None if estimate.standard_error is None else estimate.standard_error[position]
    corners = np.array(inquiry.targets[position].corners) / [width, height, width, height]
    left, top, right, bottom = np.clip(corners, 0, 1).tolist()
    box = (left, top, right, bottom)
    return Panel(inquiry.names[position], estimate.maps[position], inquiry.method.title, errors, box)
