"""What runs a model's forward passes, how well the fast ones agree, and the choice between exact and fast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from ui import session
from ui.text import literal, percent
from xai_core.jobs.base import Job, Status
from xai_core.preparation import Prepared
from xai_core.samples import references
from xai_core.types import Engine, Precision

LOOK_SECONDS = 0.5
PICTURES = 4  # on which first classes are compared
PRECISIONS: dict[Precision, str] = {"float32": "exact (float32)", "bfloat16": "fast (bfloat16)"}
KEY = "precision"
TABLE_HEAD = (
    "| in use | forward passes | precision | a picture | greatest difference | same first class | why not |",
    "|---|---|---|---|---|---|---|",
)


def engine_list(prepared: Prepared) -> None:
    """Show what the forward passes run on and why, once that is found out."""
    job = _found_out(prepared)
    st.fragment(_listed, run_every=None if job.state.ended else LOOK_SECONDS)(job)


def find_out(prepared: Prepared) -> None:
    """Begin to find out what the forward passes may run on, unless that was begun; the page follows the end."""
    job = _found_out(prepared)
    st.fragment(_watch, run_every=None if job.state.ended else LOOK_SECONDS)(job, job.state.ended)


def precision_choice(prepared: Prepared) -> None:
    """Let a person choose between exact and fast passes, where the model has both, and say how well they agree."""
    engines = _known(prepared)
    fast = _in_force(engines, "bfloat16")
    if fast is None and prepared.precision == "float32":
        return
    session.put(KEY, prepared.precision)
    st.segmented_control(
        "Precision", list(PRECISIONS), required=True, format_func=PRECISIONS.__getitem__, key=KEY, on_change=_choose
    )
    if fast is not None:
        st.caption(literal(_agreement(fast, _in_force(engines, "float32")), 500))


def _found_out(prepared: Prepared) -> Job[tuple[Engine, ...]]:
    """Return the job that finds out the engines, begun once a model and input size."""
    known, key = session.workspace().engines, _key(prepared)
    if key not in known:
        pictures = [*session.workspace().pictures.values()] or [r.picture() for r in references()]
        images = np.stack([prepared.preprocessing.place(p.pixels) for p in pictures[:PICTURES]]) if pictures else None
        known[key] = session.runner().engines(prepared.source, prepared.preprocessing, images)
    return known[key]


def _known(prepared: Prepared) -> tuple[Engine, ...]:
    job = session.workspace().engines.get(_key(prepared))
    return () if job is None else _engines(job)


def _key(prepared: Prepared) -> tuple[object, ...]:
    return prepared.source, prepared.preprocessing.height, prepared.preprocessing.width


def _engines(job: Job[tuple[Engine, ...]]) -> tuple[Engine, ...]:
    return job.state.latest or () if job.state.status is Status.DONE else ()


def _in_force(engines: tuple[Engine, ...], precision: Precision) -> Engine | None:
    return next((one for one in engines if one.precision == precision and one.in_force), None)


def _choose() -> None:
    space = session.workspace()
    if space.prepared is not None:
        space.prepared = replace(space.prepared, precision=session.value_of(KEY, "float32"))


def _watch(job: Job[tuple[Engine, ...]], had_ended: bool) -> None:
    if job.state.ended and not had_ended:
        st.rerun()


def _listed(job: Job[tuple[Engine, ...]]) -> None:
    if not job.state.ended:
        st.caption("Finding out what runs this model fastest …")
    if engines := _engines(job):
        st.markdown("\n".join([*TABLE_HEAD, *map(_row, engines)]))


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


def _agreement(fast: Engine, exact: Engine | None) -> str:
    instead = f" instead of {exact.milliseconds:.1f} ms" if exact else ""
    return (
        f"Fast ({fast.name}) gives the same first class on {percent(fast.top1_agreement)} of the pictures that were "
        "tried (yours, or samples where there were none yet), whole, mirrored and half hidden; its outputs differ by "
        f"at most {percent(fast.max_difference)}. "
        f"{fast.milliseconds:.1f} ms a picture{instead}. Only scores are computed "
        "so, and but for Keras plain gradients; all else stays in float32."
    )
