"""Progress of runs with a way to cancel them, and a summary of what ran."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap
from typing import Any

import streamlit as st

from vitrine.ui.drawing.text import in_words, literal, seconds
from vitrine.ui.trust.figures import titled
from vitrine.ui.trust.inquiry import Run
from xai_core.families.noise import STOP_FIELD
from xai_core.filter import Filter
from xai_core.jobs.base import Job, Status
from xai_core.method import Catalogued
from xai_core.params import Param
from xai_core.services.results_cache import RememberedJob
from xai_core.types import Estimate

ENDED_EARLY = {Status.CANCELLED: "cancelled", Status.FAILED: "stopped by an error"}


def progress(runs: Sequence[Run[Any]], key: str = "cancel") -> None:
    """Show the progress of runs and a button to cancel them, or nothing if all have ended."""
    running = [run for run in runs if not run.job.state.ended]
    if not running:
        return
    bar, button = st.columns([5, 1], vertical_alignment="center")
    done = sum(map(_share_done, runs)) / len(runs)
    bar.progress(min(1.0, done), _progress_in_words(running[0], done))
    if button.button("Cancel", key=key, width="stretch"):
        for run in running:
            run.job.cancel()


def what_ran(run: Run[Any], estimate: Estimate, filters: Sequence[Filter] = ()) -> str:
    """Return a line of Markdown: method, picture, how far it came, parameters that matter, figures, filters."""
    ended_early = ENDED_EARLY.get(run.job.state.status, "")
    parts = [
        f"**{literal(run.inquiry.method.title)}** of {literal(run.inquiry.picture.name, 60)}",
        f"**partial**, {ended_early} at {estimate.fraction:.0%}" if ended_early else "",
        _how_long(run.job),
        literal(_settings(run.inquiry.method, partial=bool(ended_early))),
        *(" ".join((_lower(title), shown)) for title, shown in starmap(titled, estimate.diagnostics.items())),
        literal(_filtered_by(filters)),
    ]
    return " · ".join(filter(None, parts))


def _settings(method: Catalogued, partial: bool) -> str:
    """Return the parameters that matter; the effort is a limit if low noise or a click may end the run before it."""
    values = method.values()
    limit = method.effort if partial or values.get(STOP_FIELD) else None
    used = [p for p in method.params if (p.only_if is None or p.only_if.holds(values)) and values[p.name] != ()]
    return ", ".join(_setting(param, values[param.name], param == limit) for param in used)


def _setting(param: Param, setting: object, is_limit: bool) -> str:
    label, unit = _lower(param.label), param.range.unit if param.range else ""
    value = f"{in_words(setting)}{unit if unit == '%' else f' {unit}'}".strip()
    return f"at most {value} {label}" if is_limit else f"{label} {value}"


def _filtered_by(filters: Sequence[Filter]) -> str:
    return f"drawn with {', '.join(_lower(step.title) for step in filters)}" if filters else ""


def _lower(title: str) -> str:
    """Return a title as it stands within a line; one that starts with an abbreviation stays as it is."""
    return title if title[1:2].isupper() else f"{title[:1].lower()}{title[1:]}"


def _share_done(run: Run[Any]) -> float:
    state = run.job.state
    if state.ended:
        return 1.0
    return state.latest.fraction if state.latest else 0.0


def _progress_in_words(run: Run[Any], done: float) -> str:
    state = run.job.state
    if state.doing:
        return f"{state.doing.capitalize()} …"
    if state.latest is None or state.latest.fraction <= 0:
        return f"{run.inquiry.method.title} is starting …"
    left = state.seconds * (1 - state.latest.fraction) / state.latest.fraction
    return f"{run.inquiry.method.title}: {done:.0%}, about {seconds(max(left, 0.1))} left"


def _how_long(job: Job[Estimate]) -> str:
    took = seconds(job.state.seconds)
    return f"from the cache, originally {took}" if isinstance(job, RememberedJob) else took
