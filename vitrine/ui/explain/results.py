"""The answer as it sharpens: progress, cancel, the viewer, and the line that says what ran."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.components.viewer import Panel, ViewerState, viewer
from vitrine.ui.explain.runs import Run
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.trust.panel import honesty_panel
from vitrine.ui.trust.running import progress, what_ran
from xai_core.filters.clip import PercentileClip
from xai_core.jobs.base import Status
from xai_core.report import Explanation, as_zip
from xai_core.types import Estimate, Floats

POLL_SECONDS = 0.2
FIRST_VIEW = ViewerState(filters=(PercentileClip(),))  # without it a few extreme pixels of a gradient hide the rest


def results(runs: Sequence[Run]) -> None:
    """Show all runs and follow them until the last has ended."""
    busy = any(run.busy for run in runs)
    st.fragment(_follow, run_every=POLL_SECONDS if busy else None)(runs, busy)


def _follow(runs: Sequence[Run], was_busy: bool) -> None:
    if any(run.busy for run in runs) != was_busy:  # the page decides how often this is looked at
        st.rerun()
    progress(runs)
    for run in runs:
        _one(run)


def _one(run: Run) -> None:
    state = run.job.state
    if state.error is not None:
        frame.complain(state.error)
        if st.button("Try again", key=f"again.{run.place}"):
            session.slot(ClassifierSlot).drop(run.job)
            st.rerun()
    if state.status is Status.CANCELLED:
        st.info("Cancelled. Move a slider or press Run to ask again.", icon=":material/pan_tool:")
    if state.latest is None:
        return
    setting = _picture(run, state.latest)
    st.caption(what_ran(run, state.latest))
    if state.status is Status.DONE:
        honesty_panel(run, state.latest, setting)
        _download(run, state.latest, setting)


def _picture(run: Run, estimate: Estimate) -> ViewerState:
    slot = session.slot(ClassifierSlot)
    photo = session.workspace().seen_part(run.picture, run.prepared.preprocessing)
    place, panels = f"viewer.{run.place}", _panels(run, estimate)
    if estimate.standard_error is not None and st.toggle("Show the standard error", key=f"error.{run.place}"):
        place, panels = f"errors.{run.place}", _error_panels(run, estimate.standard_error)
    slot.view = viewer(photo, panels, key=place, start=slot.view or FIRST_VIEW)
    return slot.view


def _panels(run: Run, estimate: Estimate) -> list[Panel]:
    errors = estimate.standard_error
    return [
        Panel(run.prepared.labels[int(target)], estimate.maps[i], "", None if errors is None else errors[i])
        for i, target in enumerate(run.targets)
    ]


def _error_panels(run: Run, errors: Floats) -> list[Panel]:
    names = [f"Standard error of {run.prepared.labels[int(target)]}" for target in run.targets]
    return [Panel(name, error) for name, error in zip(names, errors, strict=True)]


def _download(run: Run, estimate: Estimate, setting: ViewerState) -> None:
    st.download_button(
        "Download map, picture and settings",
        lambda: as_zip(_explanation(run, estimate, setting)),
        f"vitrine-{run.method.id}.zip",
        "application/zip",
        key=f"download.{run.place}",
        icon=":material/download:",
        on_click="ignore",
    )


def _explanation(run: Run, estimate: Estimate, setting: ViewerState) -> Explanation:
    return Explanation(
        source=run.prepared.source,
        card=run.prepared.card,
        preprocessing=run.prepared.preprocessing,
        labels=run.prepared.labels,
        picture=run.picture,
        method=run.method,
        targets=run.targets,
        probabilities=run.probabilities,
        estimate=estimate,
        seconds=run.job.state.seconds,
        precision=run.prepared.precision,
        filters=setting.filters,
        look=setting.look,
    )
