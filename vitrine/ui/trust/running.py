"""What is told of runs while they go on and when they have ended: progress with a way to cancel, and what ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import streamlit as st

from vitrine.ui.text import in_words, literal, percent, seconds
from xai_core.jobs.base import Job
from xai_core.method import Catalogued
from xai_core.pictures.files import Picture
from xai_core.services.results_cache import RememberedJob
from xai_core.types import Estimate


class Running(Protocol):
    """A method that is asked about a picture."""

    @property
    def method(self) -> Catalogued: ...

    @property
    def picture(self) -> Picture: ...

    @property
    def job(self) -> Job[Estimate]: ...


def progress(runs: Sequence[Running], key: str = "cancel") -> None:
    """Show how far runs are, and a button that cancels those that have not ended; nothing where all have."""
    running = [run for run in runs if not run.job.state.ended]
    if not running:
        return
    bar, button = st.columns([5, 1], vertical_alignment="center")
    done = sum(map(_share_done, runs)) / len(runs)
    bar.progress(min(1.0, done), _progress_in_words(running[0], done))
    if button.button("Cancel", key=key, width="stretch"):
        for run in running:
            run.job.cancel()


def what_ran(run: Running, estimate: Estimate) -> str:
    """Return a line of Markdown: the method, the picture, how long it took, with what values, and its figures."""
    set_values = {p: value for p in run.method.params if (value := getattr(run.method, p.name)) != ()}
    values = ", ".join(f"{p.label[:1].lower()}{p.label[1:]} {in_words(value)}" for p, value in set_values.items())
    parts = [
        f"**{literal(run.method.title)}** of {literal(run.picture.name, 60)}",
        _how_long(run.job),
        literal(values),
    ]
    parts += [
        f"{literal(name.replace('_', ' '))} {_figures(name, total)}" for name, total in estimate.diagnostics.items()
    ]
    return " · ".join(filter(None, parts))


def _share_done(run: Running) -> float:
    state = run.job.state
    if state.ended:
        return 1.0
    return state.latest.fraction if state.latest else 0.0


def _progress_in_words(run: Running, done: float) -> str:
    state = run.job.state
    if state.doing:
        return f"{state.doing.capitalize()} …"
    if state.latest is None or state.latest.fraction <= 0:
        return f"{run.method.title} is starting …"
    left = state.seconds * (1 - state.latest.fraction) / state.latest.fraction
    return f"{run.method.title}: {done:.0%}, about {seconds(left)} left"


def _how_long(job: Job[Estimate]) -> str:
    took = seconds(job.state.seconds)
    return f"was remembered, took {took} before" if isinstance(job, RememberedJob) else took


def _figures(name: str, figures: Sequence[float | None]) -> str:
    def shown(figure: float | None) -> str:
        if figure is None:
            return "not defined"
        return percent(figure) if name.endswith("error") else f"{figure:g}"

    return ", ".join(map(shown, figures))
