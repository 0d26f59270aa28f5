"""The engines for forward passes, how well the fast ones agree, and the choice between exact and fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from vitrine.samples import sample_photos
from vitrine.ui import session
from vitrine.ui.background import LOOK_AGAIN_SECONDS
from vitrine.ui.drawing.text import literal, percent
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.slots.model import ModelSlot
from xai_core.jobs.base import Job, Status
from xai_core.jobs.questions.find_engines import FindEngines
from xai_core.services.preparation import Prepared
from xai_core.types import Engine, Precision

PICTURES = 4  # on which predicted classes are compared
PRECISIONS: dict[Precision, str] = {"float32": "exact (float32)", "bfloat16": "fast (bfloat16)"}
SHORTEST = 0.05  # ms; shorter times would be shown as 0.0
NOT_MEASURED = "not measured"
Engines = tuple[Engine, ...]


@dataclass(frozen=True)
class Trials:
    """The trials that select a model's engines for one input size.

    slot: of the model. key: the slot keeps the trials under it. begin: starts them. choice: the key of the precision
    control. same: column title for `Engine.top1_agreement`. agreement: says how well a fast engine agrees, in
    sentences. scope: says what the fast engine computes, and what it does not.
    """

    slot: ModelSlot[Any]
    key: session.Key
    begin: Callable[[], Job[Engines]]
    choice: str
    same: str
    agreement: Callable[[Engine], str]
    scope: str

    @property
    def job(self) -> Job[Engines]:
        """The job that tries the engines, started once."""
        if self.key not in self.slot.engines:
            self.slot.engines[self.key] = self.begin()
        return self.slot.engines[self.key]

    @property
    def begun(self) -> bool:
        """Whether the trials have started."""
        return self.key in self.slot.engines

    @property
    def known(self) -> Engines:
        """The engines, once they are known."""
        return _engines(self.job) if self.begun else ()

    def used_for(self, precision: Precision) -> Engine | None:
        """Return the engine used for a precision, if known."""
        return next((engine for engine in self.known if engine.precision == precision and engine.used), None)


def classifier_trials(prepared: Prepared) -> Trials:
    """Return the trials of a classifier, on the user's own pictures if there are any."""
    way = prepared.preprocessing

    def begin() -> Job[Engines]:
        pictures = [*session.workspace().pictures.values()] or [r.picture() for r in sample_photos()]
        seen = [picture.placed(way) for picture in pictures if picture.suits(way)][:PICTURES]
        images = np.stack(seen) if seen else None
        return session.ask(prepared.source, FindEngines(way, images))

    return Trials(
        slot=session.slot(ClassifierSlot),
        key=(prepared.source, way.height, way.width),
        begin=begin,
        choice="precision",
        same="same top class",
        agreement=_same_top_class,
        scope="It computes scores and, except in Keras, plain gradients; everything else stays in float32.",
    )


def engine_list(job: Job[Engines], same: str) -> None:
    """List the engines and why they are used or not, once they are known. same: as in `Trials`."""
    st.fragment(_listed, run_every=None if job.state.ended else LOOK_AGAIN_SECONDS)(job, same)


def find_out(trials: Trials) -> None:
    """Start the trials of the engines unless they have started; the page reruns when they end."""
    job = trials.job
    st.fragment(_watch, run_every=None if job.state.ended else LOOK_AGAIN_SECONDS)(job, job.state.ended)


def precision_choice(trials: Trials) -> None:
    """Offer the choice between exact and fast passes, if the model has both, and say how well they agree."""
    fast, slot = trials.used_for("bfloat16"), trials.slot
    if slot.prepared is None or (fast is None and slot.prepared.precision == "float32"):
        return
    session.put(trials.choice, slot.prepared.precision)
    st.segmented_control(
        "Precision",
        list(PRECISIONS),
        required=True,
        format_func=PRECISIONS.__getitem__,
        key=trials.choice,
        on_change=_choose,
        args=(slot, trials.choice),
    )
    if fast is not None:
        sentences = (trials.agreement(fast), _pace(fast, trials.used_for("float32")), trials.scope)
        st.caption(literal(" ".join(sentences), 500))


def _engines(job: Job[Engines]) -> Engines:
    return job.state.latest or () if job.state.status is Status.DONE else ()


def _choose(slot: ModelSlot[Any], choice: str) -> None:
    if slot.prepared is not None:
        slot.prepared = replace(slot.prepared, precision=session.value_of(choice, "float32"))


def _watch(job: Job[Engines], had_ended: bool) -> None:
    if job.state.ended and not had_ended:
        st.rerun()


def _listed(job: Job[Engines], same: str) -> None:
    if not job.state.ended:
        st.caption("Finding the fastest engine for this model …")
    if engines := _engines(job):
        st.markdown("\n".join([*_head(same), *map(_row, engines)]))


def _head(same: str) -> tuple[str, str]:
    columns = ("in use", "engine", "precision", "time per picture", "largest difference", same, "why not")
    return f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"


def _row(engine: Engine) -> str:
    cells = (
        "●" if engine.used else "",
        literal(engine.name, 60),
        engine.precision,
        literal(in_words(milliseconds, engine.milliseconds)),
        literal(in_words(percent, engine.max_difference)),
        literal(in_words(percent, engine.top1_agreement)),
        literal(engine.reason),
    )
    return f"| {' | '.join(cells)} |"


def _same_top_class(fast: Engine) -> str:
    return (
        f"Fast ({fast.name}) gives the same top class for {in_words(percent, fast.top1_agreement)} of the trial "
        "pictures (yours, or samples if you had none yet; each unchanged, mirrored and half hidden). "
        f"Its outputs differ by at most {in_words(percent, fast.max_difference)}."
    )


def _pace(fast: Engine, exact: Engine | None) -> str:
    instead = f" instead of {in_words(milliseconds, exact.milliseconds)}" if exact else ""
    return f"{in_words(milliseconds, fast.milliseconds)} per picture{instead}."


def milliseconds(value: float) -> str:
    """Return a time in milliseconds, in words."""
    return f"{value:.1f} ms" if value >= SHORTEST else "under 0.1 ms"


def in_words(form: Callable[[float], str], figure: float | None) -> str:
    """Return a figure in words; one that could not be measured is not zero."""
    return NOT_MEASURED if figure is None else form(figure)
