"""Upload labelled pictures, which the open model predicts in the background."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vitrine.runner import results_cache
from vitrine.ui import frame, session, uploads
from vitrine.ui.background import LOOK_AGAIN_SECONDS
from vitrine.ui.drawing.text import literal
from vitrine.ui.slots.bias import BiasSlot
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.errors import DataError
from xai_core.jobs.base import Status
from xai_core.scores import is_multi_label
from xai_core.services.bias_predictions import DECIDED, PredictionsJob, predict_in_background, why_not_one_class
from xai_core.services.parsing.parser import picture_set
from xai_core.services.preparation import Prepared

PICTURES = (
    "A zip with a folder of pictures for each class; a zip with pictures and **labels.csv** (file, label, any "
    "attributes); or an npz with x and y. At most 10,000 pictures."
)
SEGMENTS = "The open model is a segmentation network. Labelled pictures need a classifier."
ON_MODEL = " Change this threshold on the Model page, under Outputs."


def upload_pictures(slot: BiasSlot) -> None:
    """Show how to upload labelled pictures, and have the model predict them."""
    prepared = session.slot(ClassifierSlot).prepared
    if prepared is None:
        st.info("Pictures need an open model.", icon=":material/info:")
        st.page_link("pages/model.py", label="Open a model", icon=":material/model_training:")
        return
    judges_one = is_multi_label(prepared.card) and prepared.card.task != "segment"
    label = _label_to_judge(prepared) if judges_one else None
    if reason := _why_not(prepared, label):
        st.info(reason, icon=":material/info:")
        return
    _caption(prepared, label)
    _upload(slot, prepared, label)


def _why_not(prepared: Prepared, label: int | None) -> str:
    """Return why the open model cannot predict labelled pictures, or what to choose first; "" if it can."""
    if prepared.card.task == "segment":
        return SEGMENTS
    return why_not_one_class(prepared.card, label)


def _caption(prepared: Prepared, label: int | None) -> None:
    st.caption(f"{PICTURES} The open model, {literal(prepared.source.name, 60)}, predicts their classes.")
    if label is not None or prepared.card.both_sides:
        decided = literal(prepared.labels[1 if label is None else label], 40)
        st.caption(DECIDED.format(label=decided, threshold=prepared.threshold) + ON_MODEL)


def _upload(slot: BiasSlot, prepared: Prepared, label: int | None) -> None:
    """Let the user upload pictures, or read the last ones again with a different column."""
    column = st.text_input("Column with the classes", placeholder="label", key="bias.column", persist_state="session")
    key = f"labelled-{slot.files_uploaded}"
    file = st.file_uploader("Labelled pictures", key=key, label_visibility="collapsed")
    if file is not None:
        slot.files_uploaded += 1
        slot.archive = (Path(uploads.keep(file, file.name, slot.owner).path), Path(file.name).stem)
        _open(slot, prepared, column, label)
        st.rerun()
    if slot.archive is not None and st.button("Read again", icon=":material/refresh:"):
        _open(slot, prepared, column, label)
        st.rerun()


def _label_to_judge(prepared: Prepared) -> int | None:
    """Show a choice of the label that is judged, for a model that predicts several; None until it is made."""
    labels = prepared.labels
    return st.selectbox(
        "Label to judge",
        range(len(labels)),
        None,
        format_func=lambda number: literal(labels[number], 60),
        key=f"bias.label.{prepared.source.digest[:12]}",
        help="Pictures with this label are compared with all others.",
        persist_state="session",
    )


def asking(slot: BiasSlot) -> None:
    """Follow the job that predicts pictures, if any, until its predictions are stored."""
    if slot.asking is not None:
        looking = not slot.asking.state.ended
        st.fragment(_progress, run_every=LOOK_AGAIN_SECONDS if looking else None)(looking)


def _open(slot: BiasSlot, prepared: Prepared, column: str, label: int | None) -> None:
    """Open the upload and begin to predict; if it cannot be read, keep it to try a different column."""
    assert slot.archive is not None
    path, name = slot.archive
    slot.fault = slot.table = None
    try:
        slot.pictures = picture_set(session.archive_parser(str(path)), str(path), name, column.strip() or None)
    except DataError as error:
        slot.fault = str(error)
        return
    slot.archive = None
    _ask(slot, prepared, label)


def _ask(slot: BiasSlot, prepared: Prepared, label: int | None) -> None:
    assert slot.pictures is not None
    slot.stop()
    slot.asking = predict_in_background(session.runner(), prepared, slot.pictures, results_cache(), label)


def _progress(looking: bool) -> None:
    slot = session.slot(BiasSlot)
    job = slot.asking
    if job is None:
        return
    if job.state.ended and looking:
        st.rerun()
    elif job.state.status is Status.DONE:
        _take(slot, job)
    elif job.state.ended:
        _stopped(slot, job)
    else:
        st.progress(job.answered / max(1, job.total), f"{job.answered:,} of {job.total:,} pictures")
        if st.button("Cancel", key="bias.cancel", width="stretch"):
            job.cancel()
            st.rerun()


def _take(slot: BiasSlot, job: PredictionsJob) -> None:
    if slot.full:
        st.info("The predictions are ready. Remove others to see them.", icon=":material/inbox:")
        return
    slot.hold(job.result(), slot.pictures, of_one_label=job.label is not None)
    slot.asking = slot.pictures = None
    st.rerun()


def _stopped(slot: BiasSlot, job: PredictionsJob) -> None:
    """Say why the job stopped early, and offer to resume it."""
    if job.state.error is not None:
        frame.complain(job.state.error)
    else:
        kept = " The answers so far are kept." if results_cache() else ""
        st.info(f"Cancelled after {job.answered:,} of {job.total:,} pictures.{kept}", icon=":material/cancel:")
    resume, dismiss = st.columns(2)
    prepared = session.slot(ClassifierSlot).prepared
    if resume.button("Resume", key="bias.resume", width="stretch", disabled=prepared is None) and prepared:
        _ask(slot, prepared, job.label)
        st.rerun()
    if dismiss.button("Dismiss", key="bias.dismiss", width="stretch"):
        slot.asking = slot.pictures = None
        st.rerun()
