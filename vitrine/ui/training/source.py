"""Load a history: an upload, the sample, or a file on the server that grows during training."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from vitrine import samples
from vitrine.ui import frame, session
from vitrine.ui.drawing.text import literal
from vitrine.ui.slots.training import TrainingSlot
from xai_core.errors import DataError
from xai_core.services.parsing.questions.read_curves import ReadCurves
from xai_core.services.parsing.questions.read_history import ReadHistory
from xai_core.training.curves import with_curves
from xai_core.training.history import History
from xai_core.training.runs import RunFolder

LOOK_AGAIN_SECONDS = 2.0
FOLDER = "VITRINE_RUNS"


def history_source() -> History | None:
    """Show the ways to load a history; return the loaded one."""
    slot = session.slot(TrainingSlot)
    with frame.fold("History", opened=slot.history is None):
        titles = ["Upload", "Sample", *(["Running training"] if FOLDER in os.environ else [])]
        upload, sample, *live = st.tabs(titles)
        with upload:
            _upload(slot)
        with sample:
            for sample_history in samples.sample_histories():
                _sample(slot, sample_history)
        for tab in live:
            with tab:
                _runs(slot, RunFolder(Path(os.environ[FOLDER])))
        if slot.history is not None:
            _curves(slot, slot.history)
    if slot.fault:
        frame.complain(DataError(slot.fault))
    if slot.run is not None and FOLDER in os.environ:
        st.fragment(_watch, run_every=LOOK_AGAIN_SECONDS)(RunFolder(Path(os.environ[FOLDER])))
    return slot.history


def _upload(slot: TrainingSlot) -> None:
    st.caption(
        "An npz file from **vitrine_logger**; a CSV with **instance_id**, **epoch**, **pred** and **actual**, or with "
        "**instance_id**, **actual**, **epoch_0**, **epoch_1** and so on; or JSON from InstanceFlow. The format is "
        "detected from the content."
    )
    key = f"history-file-{slot.files_uploaded}"
    file = st.file_uploader("History file", key=key, label_visibility="collapsed", max_upload_size=256)
    if file is not None:
        slot.files_uploaded += 1
        _take(slot, lambda: slot.hold(_history(file.getvalue(), Path(file.name).stem)))
        st.rerun()


def _history(data: bytes, name: str) -> History:
    return session.parser().ask(ReadHistory(data, name))


def _sample(slot: TrainingSlot, sample: samples.SampleHistory) -> None:
    st.markdown(f"**{literal(sample.title)}**  \n{literal(sample.note)}")
    if st.button("Use", key=f"use-history-{sample.path.stem}"):
        slot.hold(sample.history())
        st.rerun()


def _runs(slot: TrainingSlot, folder: RunFolder) -> None:
    names = folder.names()
    if not names:
        st.info("The server's folder of runs has no npz, CSV or JSON file yet.", icon=":material/hourglass_empty:")
        return
    name = st.selectbox("File on this server", names, key="training.run")
    if st.button("Watch this file", icon=":material/visibility:"):
        _take(slot, lambda: _read(slot, folder, name))
        st.rerun()


def _read(slot: TrainingSlot, folder: RunFolder, name: str) -> None:
    stamp = folder.stamp(name)
    slot.hold(folder.read(name, _history), name)
    slot.stamp = stamp


def _watch(folder: RunFolder) -> None:
    """Read the file again if it has changed; retry an unfinished one later."""
    slot = session.slot(TrainingSlot)
    if slot.run is None or slot.history is None:
        return
    stamp, rest = folder.stamp(slot.run), ""
    if stamp is None:
        rest = " The file is no longer on the server; this is its last state."
    elif stamp != slot.stamp:
        try:
            _read(slot, folder, slot.run)
            st.rerun()
        except DataError as error:
            rest = f" Its last change cannot be read yet: {literal(str(error), 200)}"
    st.caption(f"Watching {literal(slot.run, 80)}: {len(slot.history.epochs)} epochs so far.{rest}")
    if st.button("Stop watching", key="training.stop", icon=":material/stop_circle:"):
        slot.run = slot.stamp = None
        st.rerun()


def _curves(slot: TrainingSlot, history: History) -> None:
    key = f"curves-file-{slot.files_uploaded}"
    file = st.file_uploader("Loss and accuracy: a CSV or a TensorBoard event file", key=key, max_upload_size=256)
    if file is not None:
        slot.files_uploaded += 1
        _take(slot, lambda: _add_curves(slot, _with_curves(history, file.getvalue())))
        st.rerun()


def _with_curves(history: History, data: bytes) -> History:
    return with_curves(history, session.parser().ask(ReadCurves(data, history.epochs)))


def _add_curves(slot: TrainingSlot, history: History) -> None:
    slot.history, slot.fault = history, None
    slot.known.clear()


def _take(slot: TrainingSlot, act: Callable[[], None]) -> None:
    """Do something that can fail; on failure, keep the history and show the message."""
    try:
        act()
    except DataError as error:
        slot.fault = str(error)
