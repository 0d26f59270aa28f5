"""Bringing predictions: a table, labelled pictures that the model is asked about, or the sample; and those at hand."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vitrine.samples import COLOURED_DIGITS_NOTE, COLOURED_DIGITS_TITLE, sample_predictions
from vitrine.ui import frame, session
from vitrine.ui.bias.pictures import asking, bring_pictures
from vitrine.ui.slots.bias import MOST_HELD, BiasSlot, Held, Table
from vitrine.ui.text import literal
from xai_core.bias.reading import read_predictions
from xai_core.bias.table_files import LARGEST
from xai_core.errors import DataError
from xai_core.labels import read_labels

LONGEST_NAME, MOST_MB = 40, LARGEST >> 20
TABLES = (
    "CSV, parquet or npz: **y_true**, and **y_pred** or a column **prob_<class>** for each class; every other column "
    "is an attribute. Heads are logits_<head>_<class>."
)


def bias_source() -> list[Held]:
    """Show the ways to bring predictions, and those at hand; return these."""
    slot = session.slot(BiasSlot)
    with frame.fold("Predictions", opened=not slot.held):
        if slot.full:
            st.caption(f"{MOST_HELD} are at hand, which is the most; remove one to bring another.")
        else:
            _ways_to_bring(slot)
    _fault(slot)
    asking(slot)
    for one in list(slot.held.values()):
        _held(slot, one)
    return list(slot.held.values())


def _ways_to_bring(slot: BiasSlot) -> None:
    table, pictures, sample = st.tabs(["Table", "Pictures", "Sample"])
    with table:
        _table(slot)
    with pictures:
        bring_pictures(slot)
    with sample:
        st.markdown(f"**{literal(COLOURED_DIGITS_TITLE)}**  \n{literal(COLOURED_DIGITS_NOTE)}")
        if st.button("Use", key="use-predictions"):
            slot.hold(sample_predictions())
            st.rerun()


def _table(slot: BiasSlot) -> None:
    st.caption(TABLES)
    key = f"predictions-{slot.files_uploaded}"
    file = st.file_uploader(
        "Table of predictions", key=key, label_visibility="collapsed", max_upload_size=LARGEST >> 20
    )
    with st.popover("Names of the classes", help="Where the table numbers the classes, a file with a name a line."):
        names = st.file_uploader("Names, one a line", key="bias.labels")
    if file is not None:
        slot.files_uploaded += 1
        listed = None if names is None else (names.getvalue(), names.name)
        _take(slot, file.getvalue(), Path(file.name).stem, listed)
        st.rerun()


def _take(slot: BiasSlot, data: bytes, name: str, listed: tuple[bytes, str] | None) -> None:
    """Take a table; where it fails, and would not with its rows normalised, it is kept for that.

    listed: a file of labels and its name.
    """
    slot.fault = slot.table = None
    try:
        slot.table = Table(data, name, None if listed is None else read_labels(listed[0], name=listed[1]))
        slot.hold(read_predictions(data, name, labels=slot.table.labels))
    except DataError as error:
        slot.fault = str(error)
        slot.table = slot.table if slot.table is not None and _normalised(slot.table) else None


def _normalised(table: Table) -> bool:
    try:
        read_predictions(table.data, table.name, labels=table.labels, normalise=True)
    except DataError:
        return False
    return True


def _fault(slot: BiasSlot) -> None:
    if slot.fault is not None:
        frame.complain(DataError(slot.fault))
    if slot.table is not None and st.button("Normalise them", icon=":material/percent:", width="stretch"):
        table = slot.table
        slot.hold(read_predictions(table.data, table.name, labels=table.labels, normalise=True))
        st.rerun()


def _held(slot: BiasSlot, one: Held) -> None:
    key = f"bias.name.{one.number}"
    session.put(key, one.name)
    words, button = st.columns([5, 1], vertical_alignment="bottom")
    told = f"Name ({len(one.predictions):,} pictures, {one.predictions.classes} classes)"
    words.text_input(told, key=key, max_chars=LONGEST_NAME, on_change=_rename, args=(slot, one, key))
    remove = f"Remove {literal(one.name, LONGEST_NAME)}"
    button.button("", key=f"bias.remove.{one.number}", icon=":material/delete:", help=remove, on_click=slot.drop,
                  args=(one.number,))  # fmt: skip
    if one.predictions.notes:
        with st.popover(f"Notes ({len(one.predictions.notes)})", icon=":material/info:"):
            for note in one.predictions.notes:
                st.caption(literal(note, 400))


def _rename(slot: BiasSlot, one: Held, key: str) -> None:
    one.name = slot.free_name(session.value_of(key).strip() or one.predictions.name, but=one.number)
