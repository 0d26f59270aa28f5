"""Progress of runs with a way to cancel them, and a summary of what ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from vitrine.ui.drawing.text import in_words, literal, percent, seconds
from vitrine.ui.trust.inquiry import Run
from xai_core.families.noise import DRAWN
from xai_core.jobs.base import Job
from xai_core.services.results_cache import RememberedJob
from xai_core.types import Estimate

OF_THE_RUN = (DRAWN, "superpixels")  # these have one value, whatever the number of targets


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


def what_ran(run: Run[Any], estimate: Estimate) -> str:
    """Return a line of Markdown: method, picture, running time, parameters, diagnostics."""
    set_values = {p: value for p in run.inquiry.method.params if (value := getattr(run.inquiry.method, p.name)) != ()}
    values = ", ".join(f"{p.label[:1].lower()}{p.label[1:]} {in_words(value)}" for p, value in set_values.items())
    parts = [
        f"**{literal(run.inquiry.method.title)}** of {literal(run.inquiry.picture.name, 60)}",
        _how_long(run.job),
        literal(values),
    ]
    parts += [
        f"{literal(name.replace('_', ' '))} {_figures(name, total)}" for name, total in estimate.diagnostics.items()
    ]
    return " · ".join(filter(None, parts))


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


def _figures(name: str, figures: Sequence[float | None]) -> str:
    def shown(figure: float | None) -> str:
        if figure is None:
            return "not defined"
        return percent(figure) if name.endswith("error") else f"{figure:g}"

    return ", ".join(map(shown, figures[:1] if name in OF_THE_RUN else figures))
