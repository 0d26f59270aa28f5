"""Upload predictions as a table, predict labelled pictures, or take the sample; and list what is loaded."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vitrine.samples import COLOURED_DIGITS_NOTE, COLOURED_DIGITS_TITLE, sample_predictions
from vitrine.ui import frame, session
from vitrine.ui.bias.pictures import asking, upload_pictures
from vitrine.ui.drawing.text import literal
from vitrine.ui.slots.bias import MOST_HELD, BiasSlot, Held, Table
from xai_core.bias.predictions import Predictions
from xai_core.errors import DataError, JobError
from xai_core.services.parsing.questions.propose_columns import ProposeColumns
from xai_core.services.parsing.questions.read_labels import ReadLabels
from xai_core.services.parsing.questions.read_predictions import ReadPredictions
from xai_core.untrusted.csv_text import LARGEST

LONGEST_NAME, MOST_MB = 40, LARGEST >> 20
TABLES = (
    "CSV, xlsx, JSON, parquet or npz: **y_true**, and **y_pred** or a column **prob_<class>** for each class; every "
    "other column is an attribute. If your columns have other names, choose them. For a model with several heads: "
    "**logits_\\<head\\>_\\<class\\>**."
)


def bias_source() -> list[Held]:
    """Show the ways to load predictions, and return those that are loaded."""
    slot = session.slot(BiasSlot)
    with frame.fold("Predictions", opened=not slot.held):
        if slot.full:
            st.caption(f"{MOST_HELD} are loaded, the most there can be. Remove one to load another.")
        else:
            _ways_to_load(slot)
    _fault(slot)
    asking(slot)
    for held in list(slot.held.values()):
        _listed(slot, held)
    return list(slot.held.values())


def _ways_to_load(slot: BiasSlot) -> None:
    table, pictures, sample = st.tabs(["Table", "Pictures", "Sample"])
    with table:
        _table(slot)
    with pictures:
        upload_pictures(slot)
    with sample:
        st.markdown(f"**{literal(COLOURED_DIGITS_TITLE)}**  \n{literal(COLOURED_DIGITS_NOTE)}")
        if st.button("Use", key="use-predictions"):
            slot.hold(sample_predictions())
            st.rerun()


def _table(slot: BiasSlot) -> None:
    st.caption(TABLES)
    key = f"predictions-{slot.files_uploaded}"
    file = st.file_uploader("Table of predictions", key=key, label_visibility="collapsed", max_upload_size=MOST_MB)
    with st.popover("Class names", help="For a table that numbers its classes: a file with one name per line."):
        names = st.file_uploader("Class names, one per line", key="bias.labels")
    if file is not None:
        slot.files_uploaded += 1
        listed = None if names is None else (names.getvalue(), names.name)
        _take(slot, file.getvalue(), Path(file.name).stem, listed)
        st.rerun()


def _take(slot: BiasSlot, data: bytes, name: str, listed: tuple[bytes, str] | None) -> None:
    """Read a table; keep one that is readable after its rows are normalised, or its columns are chosen.

    listed: the bytes and the name of a label file.
    """
    slot.fault = slot.table = slot.proposal = None
    try:
        names = None if listed is None else session.parser().ask(ReadLabels(listed[0], shown_name=listed[1]))
        slot.table = Table(data, name, names, slot.files_uploaded)
        slot.hold(_read(slot.table))
    except DataError as error:
        slot.fault = str(error)
        stopped = isinstance(error.__cause__, JobError)  # a second try would take as long
        if stopped or slot.table is None or not _can_be_read_otherwise(slot, slot.table):
            slot.table = None


def _read(table: Table, normalise: bool = False) -> Predictions:
    return session.parser().ask(ReadPredictions(table.data, table.name, table.labels, normalise))


def _can_be_read_otherwise(slot: BiasSlot, table: Table) -> bool:
    """Whether normalising its rows makes a table readable, or there are columns to choose from, which are kept."""
    try:
        proposal = session.parser().ask(ProposeColumns(table.data, table.labels or ()))
    except DataError:
        return False
    if proposal.repairs.percent or not _can_be_normalised(table):
        slot.proposal = proposal
    return len(proposal.names) > 1 or slot.proposal is None


def _can_be_normalised(table: Table) -> bool:
    try:
        _read(table, normalise=True)
    except DataError:
        return False
    return True


def _fault(slot: BiasSlot) -> None:
    if slot.fault is not None and slot.proposal is None:
        frame.complain(DataError(slot.fault))
    table = slot.table if slot.proposal is None else None
    if table is not None and st.button("Normalise rows", icon=":material/percent:", width="stretch"):
        slot.hold(_read(table, normalise=True))
        st.rerun()


def _listed(slot: BiasSlot, held: Held) -> None:
    """Show the name of some predictions, their notes, and a button that removes them."""
    key, predictions = f"bias.name.{held.number}", held.predictions
    session.put(key, held.name)
    field, button = st.columns([5, 1], vertical_alignment="bottom")
    label = f"Name ({len(predictions):,} pictures, {predictions.classes} classes)"
    field.text_input(label, key=key, max_chars=LONGEST_NAME, on_change=_rename, args=(slot, held, key))
    button.button(
        "",
        key=f"bias.remove.{held.number}",
        icon=":material/delete:",
        help=f"Remove {literal(held.name, LONGEST_NAME)}",
        on_click=slot.drop,
        args=(held.number,),
    )
    if predictions.notes:
        with st.popover(f"Notes ({len(predictions.notes)})", icon=":material/info:"):
            for note in predictions.notes:
                st.caption(literal(note, 400))


def _rename(slot: BiasSlot, held: Held, key: str) -> None:
    held.name = slot.free_name(session.value_of(key).strip() or held.predictions.name, but=held.number)
