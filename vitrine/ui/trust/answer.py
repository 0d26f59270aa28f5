"""The answer as it sharpens: what every kind of run shows, and how often it is refreshed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.trust.inquiry import AnyInquiry, Run
from vitrine.ui.trust.panel import trust_panel
from vitrine.ui.trust.running import progress, what_ran
from xai_core.jobs.base import Status
from xai_core.report import as_zip

LOOKS_A_SECOND = 16  # by all tabs together; beyond that, each looks less often
LATELY_SECONDS = 2.0
_looked: dict[str, float] = {}


def follow(runs: Sequence[Run[AnyInquiry]], draw: Callable[[Sequence[Run[AnyInquiry]]], None], seconds: float) -> None:
    """Show the progress of runs and draw them every few seconds, until the last one has ended."""
    busy = is_busy(runs)
    pace = max(seconds, _followers() / LOOKS_A_SECOND)
    st.fragment(_look, run_every=pace if busy else None)(runs, draw, busy)


def is_busy(runs: Sequence[Run[Any]]) -> bool:
    """Return whether any of the runs or their checks is still going on."""
    return any(run.busy for run in runs)


def how_it_ended(run: Run[Any]) -> None:
    """Say why a run failed, with a button to try again, or that it was cancelled."""
    state = run.job.state
    if state.error is not None:
        frame.complain(state.error)
        if st.button("Try again", key=f"again.{run.inquiry.place}"):
            run.inquiry.slot.drop(run.job)
            st.rerun()
    if state.status is Status.CANCELLED:
        st.info("Cancelled. Move a slider or press Run to ask again.", icon=":material/pan_tool:")


def below_the_map(run: Run[Any], setting: ViewerState) -> None:
    """Say what ran and, once it has finished, how far to trust it; offer the files."""
    state = run.job.state
    if state.latest is None:
        return
    st.caption(what_ran(run, state.latest, setting.filters))
    if state.status is Status.DONE:
        report = run.report(state.latest, setting)
        trust_panel(run, state.latest, run.once("warnings", lambda: report.warnings), setting)
        st.download_button(
            "Download maps, picture and settings",
            lambda: as_zip(report),
            f"vitrine-{run.inquiry.method.id}.zip",
            "application/zip",
            key=f"download.{run.inquiry.place}",
            icon=":material/download:",
            on_click="ignore",
        )


def _look(runs: Sequence[Run[AnyInquiry]], draw: Callable[[Sequence[Run[AnyInquiry]]], None], was_busy: bool) -> None:
    if is_busy(runs) != was_busy:  # the page decides how often this runs
        st.rerun()
    _looked[session.workspace().owner] = time.monotonic()
    progress(runs)
    draw(runs)


def _followers() -> int:
    """Return how many tabs are following a run at this moment."""
    lately = time.monotonic() - LATELY_SECONDS
    for owner in [owner for owner, looked in list(_looked.items()) if looked < lately]:
        _looked.pop(owner, None)
    return len(_looked)
