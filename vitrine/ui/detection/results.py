"""Why the boxes were drawn, as the answers sharpen: maps side by side, what ran, and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.components.viewer import Panel, ViewerState, viewer
from vitrine.ui.detection.runs import BoxQuestion, BoxRun
from vitrine.ui.slots.detector import DetectorSlot
from vitrine.ui.text import literal
from vitrine.ui.trust.panel import trust_panel
from vitrine.ui.trust.running import progress, what_ran
from xai_core.detection.report import BoxExplanation
from xai_core.jobs.base import Status
from xai_core.report import as_zip
from xai_core.types import Estimate

POLL_SECONDS = 0.25
A_MAP_SECONDS = 0.05  # what a further map takes to be sent and drawn
MOST_COLUMNS = 3
INSIDE = "Only inside the boxes"


def box_results(runs: Sequence[BoxRun]) -> None:
    """Show all runs on one picture and follow them until the last has ended."""
    busy = _busy(runs)
    maps = sum(len(run.numbers) for run in runs)
    st.fragment(_follow, run_every=POLL_SECONDS + A_MAP_SECONDS * maps if busy else None)(runs, busy)


def what_is_missing(numbers: Sequence[int], methods: Sequence[object]) -> str:
    """Return what a person should do for an answer to appear."""
    if not numbers:
        return "Click a box, or choose one in the list, to see why it was drawn."
    return "Press Run to see this result." if methods else "Select a method on the left to see why the box was drawn."


def offer_to_run(questions: Sequence[BoxQuestion], runs: Sequence[BoxRun]) -> None:
    """Say what the answers that have not been begun cost, each with a button that begins it."""
    begun = {run.key for run in runs}
    for one in questions:
        if one.key in begun:
            continue
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":material/hourglass_empty: **{literal(one.method.title)}** takes {literal(one.cost.in_words)}."
            )
            st.button(f"Run {one.method.title}", key=f"begin.{one.place}", type="primary", on_click=one.begin)


def _busy(runs: Sequence[BoxRun]) -> bool:
    return any(run.busy for run in runs)


def _follow(runs: Sequence[BoxRun], was_busy: bool) -> None:
    if _busy(runs) != was_busy:  # the page decides how often this is looked at
        st.rerun()
    progress(runs)
    answered = [(run, run.job.state.latest) for run in runs if run.job.state.latest is not None]
    if answered:
        _maps(answered)
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            _below(run)


def _maps(answered: Sequence[tuple[BoxRun, Estimate]]) -> None:
    scene, slot = answered[0][0].scene, session.slot(DetectorSlot)
    inside = st.toggle(
        INSIDE,
        key="detection.inside",
        persist_state="session",
        help="Each map is shown in its own box alone, stretched to the whole range of colours there.",
    )
    panels = [
        _panel(run, estimate, place) for place, (run, estimate) in product(range(len(answered[0][0].numbers)), answered)
    ]
    columns = _columns(len(answered), len(panels))
    key = f"maps.{scene.place}"
    slot.view = viewer(scene.photo, panels, key=key, start=slot.view, columns=columns, inside=inside)


def _columns(methods: int, panels: int) -> int:
    """Return how many maps stand side by side: all methods of a box, or the boxes of a single method."""
    several = panels if methods == 1 else methods
    return several if several <= MOST_COLUMNS else 2 + (several != 4)


def _panel(run: BoxRun, estimate: Estimate, place: int) -> Panel:
    (target,) = run.scene.targets([run.numbers[place]])
    height, width = run.scene.photo.shape[:2]
    errors = None if estimate.standard_error is None else estimate.standard_error[place]
    left, top, right, bottom = np.clip(np.array(target.corners) / [width, height, width, height], 0, 1).tolist()
    name = run.scene.name_of(run.numbers[place])
    return Panel(name, estimate.maps[place], run.method.title, errors, (left, top, right, bottom))


def _below(run: BoxRun) -> None:
    state = run.job.state
    if state.error is not None:
        frame.complain(state.error)
        if st.button("Try again", key=f"again.{run.place}"):
            session.slot(DetectorSlot).drop(run.job)
            st.rerun()
    if state.status is Status.CANCELLED:
        st.info("Cancelled. Move a slider or press Run to ask again.", icon=":material/pan_tool:")
    if state.latest is None:
        return
    st.caption(what_ran(run, state.latest))
    if state.status is Status.DONE:
        _finished(run, state.latest)


def _finished(run: BoxRun, estimate: Estimate) -> None:
    setting = run.slot.view or ViewerState()
    explanation = _explanation(run, estimate, setting)
    said = run.slot.once(run.job, "warnings", lambda: explanation.warnings)
    trust_panel(run, estimate, said, setting)
    st.download_button(
        "Download maps, picture and settings",
        lambda: as_zip(explanation),
        f"vitrine-{run.method.id}.zip",
        "application/zip",
        key=f"download.{run.place}",
        icon=":material/download:",
        on_click="ignore",
    )


def _explanation(run: BoxRun, estimate: Estimate, setting: ViewerState) -> BoxExplanation:
    prepared = run.scene.prepared
    return BoxExplanation(
        source=prepared.source,
        card=prepared.card,
        labels=prepared.labels,
        picture=run.picture,
        method=run.method,
        targets=run.targets,
        numbers=run.numbers,
        inside=bool(session.value_of("detection.inside")),
        estimate=estimate,
        seconds=run.job.state.seconds,
        precision=prepared.precision,
        filters=setting.filters,
        look=setting.look,
    )
