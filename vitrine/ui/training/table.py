"""The measures as a sortable table, and the downloads."""

from __future__ import annotations

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from vitrine.ui import session
from vitrine.ui.slots.training import TrainingSlot
from vitrine.ui.training.view import View
from xai_core.training.arrays import to_npz
from xai_core.training.figures import as_csv, epoch_table, instance_table
from xai_core.training.history import History
from xai_core.training.instance_flow import to_instance_flow
from xai_core.wording import UNDEFINED

NARROW = 72  # pixels
SHORT = {
    "true class": "True",
    "last prediction": "Last",
    "misclassification rate": "Wrong",
    "changes": "Changes",
    "frequency": "Frequency",
    "classes visited": "Visited",
    "variability": "Variability",
    "forgetting events": "Forgetting",
    "first correct epoch": "First correct",
    "mean confidence": "Confidence",
}
HEADINGS = (
    "True: true class. Last: last prediction. Wrong: misclassification rate. Visited: how many classes were predicted. "
    "Forgetting: how often a correct prediction became wrong. First correct: first correct epoch, n/a for a picture "
    "that was never right in the range."
)
SHARES = ("misclassification rate", "frequency", "variability", "mean confidence")


def table(view: View) -> None:
    """Show the pictures with their measures, in the view's order; the ticked one is shown below."""
    columns = {name: _column(name) for name in SHORT}
    columns["picture"] = st.column_config.TextColumn("Picture", pinned=True)
    rows = instance_table(view.history, view.measures, view.numbers)
    slot = session.slot(TrainingSlot)
    key = f"training.table.{slot.turn}"

    def chosen() -> None:
        for row in session.value_of(key)["selection"]["rows"][:1]:
            slot.chosen = int(view.numbers[row]) if row < len(view.numbers) else None

    st.dataframe(
        rows,
        hide_index=True,
        placeholder=UNDEFINED,
        column_config=columns,
        height=480,
        key=key,
        on_select=chosen,
        selection_mode="single-row",
    )
    st.caption(HEADINGS)


def _column(name: str) -> ColumnConfig:
    """Return a narrow column, so that all fit; its full name is the tooltip."""
    full_name = name[0].upper() + name[1:]
    if name in ("true class", "last prediction", "first correct epoch"):
        return st.column_config.Column(SHORT[name], help=full_name, width=NARROW)
    return st.column_config.NumberColumn(
        SHORT[name], help=full_name, width=NARROW, format="%.3f" if name in SHARES else None
    )


def downloads(view: View, history: History) -> None:
    """Offer the view's tables, and the whole history in two formats that can be loaded again."""
    offers = (
        ("Pictures (CSV)", lambda: as_csv(instance_table(view.history, view.measures, view.numbers)), "pictures.csv"),
        ("Epochs (CSV)", lambda: as_csv(epoch_table(view.history, view.by_epoch)), "epochs.csv"),
        ("InstanceFlow (JSON)", lambda: to_instance_flow(history), "history.json"),
        ("History (npz)", lambda: to_npz(history), "history.npz"),
    )
    kinds = {"csv": "text/csv", "json": "application/json", "npz": "application/octet-stream"}
    for column, (title, content, name) in zip(st.columns(len(offers)), offers, strict=True):
        column.download_button(
            title,
            content,
            name,
            kinds[name.rpartition(".")[2]],
            key=f"training.{name}",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )
