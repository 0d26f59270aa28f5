"""What runs a model's forward passes, how well the fast ones agree, and the choice between exact and fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from vitrine.samples import sample_photos
from vitrine.ui import session
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.slots.model import ModelSlot
from vitrine.ui.text import literal, percent
from xai_core.jobs.base import Job, Status
from xai_core.jobs.questions.find_engines import FindEngines
from xai_core.services.preparation import Prepared
from xai_core.types import Engine, Precision

LOOK_SECONDS = 0.5
PICTURES = 4  # on which first classes are compared
PRECISIONS: dict[Precision, str] = {"float32": "exact (float32)", "bfloat16": "fast (bfloat16)"}
Engines = tuple[Engine, ...]


@dataclass(frozen=True)
class Trials:
    """The trials by which a model's engines are found out, for one size of its input.

    slot: of the model. key: under which the slot keeps the trials. begin: starts them. choice: key of the choice of a
    precision. same: what the share in `Engine.top1_agreement` is of, as the head of a column. agreement: says how well
    a fast engine agrees, in sentences. scope: says what is computed so, and what is not.
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
        """The job that finds out the engines, begun once."""
        if self.key not in self.slot.engines:
            self.slot.engines[self.key] = self.begin()
        return self.slot.engines[self.key]

    @property
    def begun(self) -> bool:
        """Whether the engines are known, or being found out."""
        return self.key in self.slot.engines

    @property
    def known(self) -> Engines:
        """The engines, where they have been found out."""
        return _engines(self.job) if self.begun else ()

    def in_force(self, precision: Precision) -> Engine | None:
        """Return the engine that is used for a precision, where that is known."""
        return next((one for one in self.known if one.precision == precision and one.in_force), None)


def classifier_trials(prepared: Prepared) -> Trials:
    """Return the trials of a classifier, on the person's own pictures where there are any yet."""
    way = prepared.preprocessing

    def begin() -> Job[Engines]:
        pictures = [*session.workspace().pictures.values()] or [r.picture() for r in sample_photos()]
        images = np.stack([way.place(p.pixels) for p in pictures[:PICTURES]]) if pictures else None
        return session.runner().ask(prepared.source, FindEngines(way, images))

    return Trials(
        slot=session.slot(ClassifierSlot),
        key=(prepared.source, way.height, way.width),
        begin=begin,
        choice="precision",
        same="same first class",
        agreement=_same_first_class,
        scope="Only scores are computed so, and but for Keras plain gradients; all else stays in float32.",
    )


def engine_list(job: Job[Engines], same: str) -> None:
    """Show what the forward passes run on and why, once that is found out. same: as `Trials` has it."""
    st.fragment(_listed, run_every=None if job.state.ended else LOOK_SECONDS)(job, same)


def find_out(trials: Trials) -> None:
    """Begin to find out what the forward passes may run on, unless that was begun; the page follows the end."""
    job = trials.job
    st.fragment(_watch, run_every=None if job.state.ended else LOOK_SECONDS)(job, job.state.ended)


def precision_choice(trials: Trials) -> None:
    """Let a person choose between exact and fast passes, where the model has both, and say how well they agree."""
    fast, slot = trials.in_force("bfloat16"), trials.slot
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
        said = (trials.agreement(fast), _pace(fast, trials.in_force("float32")), trials.scope)
        st.caption(literal(" ".join(said), 500))


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
        st.caption("Finding out what runs this model fastest …")
    if engines := _engines(job):
        st.markdown("\n".join([*_head(same), *map(_row, engines)]))


def _head(same: str) -> tuple[str, str]:
    columns = ("in use", "forward passes", "precision", "a picture", "greatest difference", same, "why not")
    return f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"


def _row(engine: Engine) -> str:
    cells = (
        "●" if engine.in_force else "",
        literal(engine.name, 60),
        engine.precision,
        literal(f"{engine.milliseconds:.1f} ms"),
        literal(percent(engine.max_difference)),
        literal(percent(engine.top1_agreement)),
        literal(engine.reason),
    )
    return f"| {' | '.join(cells)} |"


def _same_first_class(fast: Engine) -> str:
    return (
        f"Fast ({fast.name}) gives the same first class on {percent(fast.top1_agreement)} of the pictures that were "
        "tried (yours, or samples where there were none yet), whole, mirrored and half hidden; its outputs differ by "
        f"at most {percent(fast.max_difference)}."
    )


def _pace(fast: Engine, exact: Engine | None) -> str:
    instead = f" instead of {exact.milliseconds:.1f} ms" if exact else ""
    return f"{fast.milliseconds:.1f} ms a picture{instead}."
