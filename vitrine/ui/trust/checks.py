"""Checks of a finished run: the map for a different seed, for a random last layer, and from a different library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitrine.ui import frame
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.drawing.text import literal
from vitrine.ui.trust.inquiry import Run
from xai_core.jobs.base import Job, Status
from xai_core.method import Catalogued
from xai_core.pictures.overlays import Look
from xai_core.trust.agreement import (
    Agreement,
    agreement,
    verdict_on_peer,
    verdict_on_randomisation,
    verdict_on_seeds,
)
from xai_core.trust.peers import Comparison, peers_for
from xai_core.types import Capability, Estimate, Floats

SEEDS = 10_000
PHOTO = 320  # pixels of the longer side
RANDOM_SEED = 0
FIRST = "This map"
UNCHANGEABLE = "The weights of this model cannot be changed."
NOT_EXACT = "This map was computed in the fast precision; the library used the exact one."


@dataclass(frozen=True)
class Check:
    """A way to check a map.

    label, help: for its button. second: title of the second map. start: starts the check. verdict: what the agreement
    of the maps means, in a sentence. against: why the check is impossible, "" if it is possible. cost: in words, "" if
    unknown.
    """

    name: str
    label: str
    second: str
    help: str
    start: Callable[[], None]
    verdict: Callable[[Sequence[Agreement]], str]
    against: str = ""
    cost: str = ""


def checks(run: Run[Any], estimate: Estimate, noise: float) -> list[Check]:
    """Return the checks for a run. noise: the largest noise share of its maps."""
    return list(_offered(run, _Noise.of(run.inquiry.method, estimate, noise)))


def show_checks(run: Run[Any], estimate: Estimate, offered: Sequence[Check], setting: ViewerState) -> None:
    """Show a button for each check and the outcomes so far, drawn with the viewer's settings."""
    beside = run.inquiry.side_by_side
    columns = st.columns(max(3, len(offered))) if beside else [st.container() for _ in offered]
    for column, check in zip(columns, offered, strict=False):
        with column:
            _button(run, check)
    for check in offered:
        if check.name in run.checks:
            _outcome(_Shown(run, estimate, setting, check, run.checks[check.name]))


@dataclass(frozen=True)
class _Noise:
    """The largest noise share of a run's maps, and advice that reduces it."""

    share: float
    advice: str

    @classmethod
    def of(cls, method: Catalogued, estimate: Estimate, share: float) -> _Noise:
        effort = method.effort
        sampled = estimate.standard_error is not None  # more steps do not reduce the noise of a random baseline
        advice = f"use more {effort.label.lower()}" if effort and sampled else "choose a setting without random draws"
        return cls(share, advice)


def _offered(run: Run[Any], noise: _Noise) -> Iterator[Check]:
    if run.inquiry.method.draws_at_random:
        yield _another_seed(run, noise)
    if run.inquiry.randomises:
        yield _random_last_layer(run, noise)
    for peer in peers_for(run.inquiry.method.id, run.inquiry.prepared.card.framework):
        yield _another_library(run, peer, noise)


def _another_seed(run: Run[Any], noise: _Noise) -> Check:
    seed = (run.inquiry.method.values()["seed"] + 1) % SEEDS
    method = type(run.inquiry.method).from_json(run.inquiry.method.values() | {"seed": seed})
    return Check(
        name="seed",
        label="Try a different seed",
        second=f"Seed {seed}",
        help="Draws new samples: what changes is noise.",
        start=lambda: run.check("seed", method),
        verdict=partial(verdict_on_seeds, advice=noise.advice),
        cost=run.inquiry.cost,
    )


def _random_last_layer(run: Run[Any], noise: _Noise) -> Check:
    return Check(
        name="random",
        label="Randomise the last layer",
        second="Random last layer",
        help="Runs a copy of the model that has forgotten its classes. A map that stays does not depend on them.",
        start=lambda: run.check("random", random_last_layer=RANDOM_SEED),
        verdict=partial(verdict_on_randomisation, noise=noise.share, advice=noise.advice),
        against=_against_randomising(run),
    )


def _against_randomising(run: Run[Any]) -> str:
    """Return why a random last layer shows nothing about this map, or is impossible; "" if neither is so."""
    card, need = run.inquiry.prepared.card, Capability.RANDOMISATION
    if run.inquiry.method.class_sensitivity == "none":
        return f"{run.inquiry.method.title} does not use the last layer, so its map remains the same."
    return "" if need in card.capabilities else card.missing.get(str(need.name), UNCHANGEABLE)


def _another_library(run: Run[Any], peer: Comparison, noise: _Noise) -> Check:
    library = f"{peer.library} {peer.version}".strip()
    exact = run.inquiry.method.precision_on(run.inquiry.prepared.card, run.inquiry.prepared.precision) == "float32"
    known = peer.difference if exact else f"{NOT_EXACT} {peer.difference}".strip()
    return Check(
        name=f"peer.{peer.library}",
        label=f"Compare with {peer.library}",
        second=library,
        help=f"Computes the same map with {library}.",
        start=lambda: run.check(f"peer.{peer.library}", peer=peer.library),
        verdict=partial(verdict_on_peer, library=library, known=known, noise=noise.share, advice=noise.advice),
    )


def _button(run: Run[Any], check: Check) -> None:
    job = run.checks.get(check.name)
    running = job is not None and not job.state.ended
    st.button(
        check.label,
        key=f"check.{check.name}.{run.inquiry.place}",
        help=literal(check.against, 400) or check.help,
        disabled=bool(check.against) or running,
        on_click=check.start,
        width="stretch",
    )
    if caption := check.against or check.cost:
        st.caption(literal(caption, 400))


@dataclass(frozen=True, eq=False)
class _Shown:
    """A check of a run, and how its maps are drawn."""

    run: Run[Any]
    estimate: Estimate
    setting: ViewerState
    check: Check
    job: Job[Estimate]

    def once(self, key: object, work_out: Callable[[], Any]) -> Any:
        """Return a figure of the finished check, computed on first use."""
        return self.run.inquiry.slot.once(self.job, key, work_out)


def _outcome(shown: _Shown) -> None:
    state = shown.job.state
    if state.error is not None:
        return frame.complain(state.error)
    if not state.ended:
        done = state.latest.fraction if state.latest else 0.0
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(done, f"{shown.check.second}: {state.doing or f'{done:.0%}'} …")
        button.button("Stop", key=f"stop.{shown.check.name}.{shown.run.inquiry.place}", on_click=shown.job.cancel)
    elif state.status is Status.DONE and state.latest is not None:
        _compared(shown, state.latest)
    return None


def _compared(shown: _Shown, second: Estimate) -> None:
    pairs = list(zip(shown.estimate.maps, second.maps, strict=True))
    figures: list[Agreement] = shown.once("agreement", lambda: [agreement(*pair) for pair in pairs])
    with st.container(border=True):
        st.markdown(literal(shown.check.verdict(figures), 600))
        for position, (pair, figure) in enumerate(zip(pairs, figures, strict=True)):
            _side_by_side(shown, position, pair, figure)


def _side_by_side(shown: _Shown, position: int, pair: tuple[Floats, Floats], figures: Agreement) -> None:
    name = shown.run.inquiry.names[position]
    first, second, words = st.columns([2, 2, 3], vertical_alignment="center")
    for column, title, heatmap in zip((first, second), (FIRST, shown.check.second), pair, strict=True):
        column.image(_drawn(shown, heatmap, position, title), title, width="stretch", alt=f"{title} of {name}")
    words.markdown(_figures(name, figures))


def _drawn(shown: _Shown, heatmap: Floats, position: int, title: str) -> NDArray[np.uint8]:
    """Return a map over its photo, redrawn if the viewer's settings have changed."""
    setting = (shown.setting.look, shown.setting.filters)
    drawn: dict[object, NDArray[np.uint8]] = shown.once((position, title), dict)
    if setting not in drawn:
        drawn.clear()
        filtered = _filtered(shown, heatmap[None])[0]
        drawn[setting] = shown.run.inquiry.overlay(position, filtered, _common_look(shown), PHOTO)
    return drawn[setting]


def _common_look(shown: _Shown) -> Look:
    """Return a look with colours that suit both maps, because compared maps must look alike."""
    look, second = shown.setting.look, shown.job.state.latest
    whole = np.concatenate([shown.estimate.maps, *([] if second is None else [second.maps])])
    colours = look.colours_for(_filtered(shown, whole))
    return Look(**look.values() | {"colour_map": colours})


def _filtered(shown: _Shown, maps: Floats) -> Floats:
    for step in shown.setting.filters:
        maps = step.apply(maps)
    return maps


def _figures(name: str, figures: Agreement) -> str:
    def shown(figure: float | None, form: str = "{:.3f}") -> str:
        return "not defined" if figure is None else form.format(figure)

    largest = figures.largest_difference
    in_ranges = shown(largest, "{:.1f} times" if (largest or 0) > 1 else "{:.1%} of") + " the first map's range"
    return "  \n".join(
        [
            f"**{literal(name, 60)}**",
            f"correlation {shown(figures.correlation)}",
            f"rank correlation {shown(figures.rank_correlation)}",
            f"largest difference {'not defined' if largest is None else in_ranges}",
            f"structural similarity {shown(figures.similarity)}",
        ]
    )
