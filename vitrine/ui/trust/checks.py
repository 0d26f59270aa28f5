"""Checks of a finished run: the same map with another seed, with a random last layer, and by another library."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitrine.ui import frame
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.explain.runs import Run
from vitrine.ui.slots.model import ModelSlot
from vitrine.ui.text import literal
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
NOT_EXACT = "This map was computed in the fast precision, and the library's in the exact one."


class Checked(Protocol):
    """A finished run whose maps can be checked: of a picture as a whole, or of boxes.

    names: what the targets are called. cost_in_words: of computing the map once more, "" where that is not known.
    """

    @property
    def method(self) -> Any: ...

    @property
    def job(self) -> Job[Estimate]: ...

    @property
    def slot(self) -> ModelSlot[Any]: ...

    @property
    def place(self) -> str: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def cost_in_words(self) -> str: ...

    @property
    def checks(self) -> dict[str, Job[Estimate]]: ...

    def check(self, name: str, method: Any) -> None: ...

    def overlay(self, position: int, heatmap: Floats, look: Look, longest: int) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Check:
    """One way to check a map: what its button says and starts, and what its outcome means.

    against: why it can not be made; "" where it can. cost: what it takes, "" where that is not known.
    """

    name: str
    label: str
    second: str
    help: str
    start: Callable[[], None]
    verdict: Callable[[Sequence[Agreement]], str]
    against: str = ""
    cost: str = ""


def checks(run: Checked, estimate: Estimate, noise: float) -> list[Check]:
    """Return the checks that can be made of a run. noise: the greatest share of a map of it that may be noise."""
    return list(_offered(run, _Noise.of(run.method, estimate, noise)))


def show_checks(run: Checked, estimate: Estimate, offered: Sequence[Check], setting: ViewerState) -> None:
    """Show a button for each check, and the outcome of those that were made, drawn as the viewer is set."""
    columns = st.columns(max(3, len(offered))) if isinstance(run, Run) else [st.container() for _ in offered]
    for column, one in zip(columns, offered, strict=False):
        with column:
            _button(run, one)
    for one in offered:
        if one.name in run.checks:
            _outcome(_Shown(run, estimate, setting, one, run.checks[one.name]))


@dataclass(frozen=True)
class _Noise:
    """The greatest share of a run's map that may be noise, and what lessens that, as advice."""

    share: float
    advice: str

    @classmethod
    def of(cls, method: Catalogued, estimate: Estimate, share: float) -> _Noise:
        effort = method.effort
        lessens = effort is not None and estimate.standard_error is not None  # more steps keep the baseline's chance
        advice = f"use more {effort.label.lower()}" if effort and lessens else "choose a setting without random draws"
        return cls(share, advice)


def _offered(run: Checked, noise: _Noise) -> Iterator[Check]:
    if "seed" in run.method.values():
        yield _another_seed(run, noise)
    if isinstance(run, Run):
        yield from _of_a_classifier(run, noise)


def _of_a_classifier(run: Run, noise: _Noise) -> Iterator[Check]:
    yield _random_last_layer(run, noise)
    for peer in peers_for(run.method.id, run.prepared.card.framework):
        yield _another_library(run, peer, noise)


def _another_seed(run: Checked, noise: _Noise) -> Check:
    seed = (run.method.values()["seed"] + 1) % SEEDS
    method = type(run.method).from_json(run.method.values() | {"seed": seed})
    return Check(
        name="seed",
        label="Try another seed",
        second=f"Seed {seed}",
        help="Draws anew: what changes is chance.",
        start=lambda: run.check("seed", method),
        verdict=partial(verdict_on_seeds, advice=noise.advice),
        cost=run.cost_in_words,
    )


def _random_last_layer(run: Run, noise: _Noise) -> Check:
    card, need = run.prepared.card, Capability.RANDOMISATION
    missing = card.missing.get(str(need.name), "This model's weights can not be changed.")
    return Check(
        name="random",
        label="Randomise the last layer",
        second="Random last layer",
        help="Asks a copy of the model that has forgotten its classes: a map that stays does not depend on them.",
        start=lambda: run.check("random", random_last_layer=RANDOM_SEED),
        verdict=partial(verdict_on_randomisation, noise=noise.share, advice=noise.advice),
        against="" if need in card.capabilities else missing,
    )


def _another_library(run: Run, peer: Comparison, noise: _Noise) -> Check:
    library = f"{peer.library} {peer.version}".strip()
    exact = run.method.precision_on(run.prepared.card, run.prepared.precision) == "float32"
    known = peer.difference if exact else f"{NOT_EXACT} {peer.difference}".strip()
    return Check(
        name=f"peer.{peer.library}",
        label=f"Compare with {peer.library}",
        second=library,
        help=f"Has {library} compute the map of the same question.",
        start=lambda: run.check(f"peer.{peer.library}", peer=peer.library),
        verdict=partial(verdict_on_peer, library=library, known=known, noise=noise.share, advice=noise.advice),
    )


def _button(run: Checked, one: Check) -> None:
    job = run.checks.get(one.name)
    running = job is not None and not job.state.ended
    st.button(
        one.label,
        key=f"check.{one.name}.{run.place}",
        help=literal(one.against, 400) or one.help,
        disabled=bool(one.against) or running,
        on_click=one.start,
        width="stretch",
    )
    if said := one.against or one.cost:
        st.caption(literal(said, 400))


@dataclass(frozen=True, eq=False)
class _Shown:
    """A check of a run, and how its maps are drawn."""

    run: Checked
    estimate: Estimate
    setting: ViewerState
    check: Check
    job: Job[Estimate]


def _outcome(shown: _Shown) -> None:
    state = shown.job.state
    if state.error is not None:
        return frame.complain(state.error)
    if not state.ended:
        done = state.latest.fraction if state.latest else 0.0
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(done, f"{shown.check.second}: {state.doing or f'{done:.0%}'} …")
        button.button("Stop", key=f"stop.{shown.check.name}.{shown.run.place}", on_click=shown.job.cancel)
    elif state.status is Status.DONE and state.latest is not None:
        _compared(shown, state.latest)
    return None


def _compared(shown: _Shown, other: Estimate) -> None:
    pairs = list(zip(shown.estimate.maps, other.maps, strict=True))
    found: list[Agreement] = shown.run.slot.once(shown.job, "agreement", lambda: [agreement(*pair) for pair in pairs])
    with st.container(border=True):
        st.markdown(literal(shown.check.verdict(found), 600))
        for position, (pair, figures) in enumerate(zip(pairs, found, strict=True)):
            _side_by_side(shown, position, pair, figures)


def _side_by_side(shown: _Shown, position: int, pair: tuple[Floats, Floats], figures: Agreement) -> None:
    name = shown.run.names[position]
    first, second, words = st.columns([2, 2, 3], vertical_alignment="center")
    for column, title, heatmap in zip((first, second), (FIRST, shown.check.second), pair, strict=True):
        column.image(_drawn(shown, heatmap, position, title), title, width="stretch", alt=f"{title} of {name}")
    words.markdown(_figures(name, figures))


def _drawn(shown: _Shown, heatmap: Floats, position: int, title: str) -> NDArray[np.uint8]:
    """Return a map over its photo, drawn anew where the viewer's setting has changed."""
    setting = (shown.setting.look, shown.setting.filters)
    drawn: dict[object, NDArray[np.uint8]] = shown.run.slot.once(shown.job, (position, title), dict)
    if setting not in drawn:
        drawn.clear()
        filtered = _filtered(shown, heatmap[None])[0]
        drawn[setting] = shown.run.overlay(position, filtered, _common_look(shown), PHOTO)
    return drawn[setting]


def _common_look(shown: _Shown) -> Look:
    """Return a look with the colours that suit both maps, as two that are compared are drawn alike."""
    look, other = shown.setting.look, shown.job.state.latest
    whole = np.concatenate([shown.estimate.maps, *([] if other is None else [other.maps])])
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
