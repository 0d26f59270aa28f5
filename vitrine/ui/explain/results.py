"""The maps of classes: each picture in its viewer, with what ran and how far to trust it below."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from vitrine.ui import session
from vitrine.ui.components.viewer import Panel, ViewerState, viewer
from vitrine.ui.explain.runs import ClassInquiry
from vitrine.ui.trust.answer import below_the_map, follow, how_it_ended
from vitrine.ui.trust.inquiry import Run
from xai_core.filters.clip import PercentileClip
from xai_core.segmentation.drawing import outlined
from xai_core.types import Estimate, Floats

POLL_SECONDS = 0.2
FIRST_VIEW = ViewerState(filters=(PercentileClip(),))  # otherwise a few extreme pixels of a gradient hide the rest


def results(runs: Sequence[Run[ClassInquiry]]) -> None:
    """Show all runs and follow them until the last one has ended."""
    follow(runs, _draw, POLL_SECONDS)


def _draw(runs: Sequence[Run[ClassInquiry]]) -> None:
    for run in runs:
        how_it_ended(run)
        if (estimate := run.job.state.latest) is not None:
            below_the_map(run, _picture(run.inquiry, estimate))


def _picture(inquiry: ClassInquiry, estimate: Estimate) -> ViewerState:
    slot = inquiry.slot
    photo = session.workspace().seen_part(inquiry.picture, inquiry.prepared.preprocessing)
    if inquiry.region is not None:
        photo = outlined(photo, inquiry.region.mask)
    place, panels = f"viewer.{inquiry.place}", _panels(inquiry, estimate)
    if estimate.standard_error is not None and st.toggle("Show the standard error", key=f"error.{inquiry.place}"):
        place, panels = f"errors.{inquiry.place}", _error_panels(inquiry, estimate.standard_error)
    slot.view = viewer(photo, panels, key=place, start=slot.view or FIRST_VIEW)
    return slot.view


def _panels(inquiry: ClassInquiry, estimate: Estimate) -> list[Panel]:
    errors = [None] * len(inquiry.names) if estimate.standard_error is None else estimate.standard_error
    panels = zip(inquiry.names, estimate.maps, errors, strict=True)
    return [Panel(name, heatmap, "", error) for name, heatmap, error in panels]


def _error_panels(inquiry: ClassInquiry, errors: Floats) -> list[Panel]:
    return [Panel(f"Standard error of {name}", error) for name, error in zip(inquiry.names, errors, strict=True)]
