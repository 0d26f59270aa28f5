"""The measures as a table to sort, and all that can be taken along."""

from __future__ import annotations

import streamlit as st

from ui import session
from ui.training_view import View
from xai_core.training.arrays import to_npz
from xai_core.training.figures import UNDEFINED, as_csv, epoch_table, instance_table
from xai_core.training.history import History
from xai_core.training.instance_flow import to_instance_flow

SHARES = ("misclassification rate", "frequency", "variability", "mean confidence")


def table(view: View) -> None:
    """Show the pictures with their measures, in the order of the view; one whose row is ticked is shown below."""
    columns: dict[str, object] = {name: st.column_config.NumberColumn(format="%.3f") for name in SHARES}
    columns["picture"] = st.column_config.TextColumn(pinned=True)
    found = instance_table(view.history, view.measures, view.numbers)
    slot = session.workspace().training
    key = f"training.table.{slot.turn}"

    def chosen() -> None:
        for row in session.value_of(key)["selection"]["rows"][:1]:
            slot.chosen = int(view.numbers[row]) if row < len(view.numbers) else None

    st.dataframe(
        found,
        hide_index=True,
        placeholder=UNDEFINED,
        column_config=columns,
        height=480,
        key=key,
        on_select=chosen,
        selection_mode="single-row",
    )
    st.caption(
        "Forgetting events: how often a right prediction became a wrong one. First correct epoch: n/a where a picture "
        "was never right in the range."
    )


def downloads(view: View, history: History) -> None:
    """Offer the tables of the view, and the whole history in the formats that are read."""
    offers = (
        ("Pictures (CSV)", lambda: as_csv(instance_table(view.history, view.measures, view.numbers)), "pictures.csv"),
        ("Epochs (CSV)", lambda: as_csv(epoch_table(view.history, view.by_epoch)), "epochs.csv"),
        ("InstanceFlow (JSON)", lambda: to_instance_flow(history), "history.json"),
        ("History (npz)", lambda: to_npz(history), "history.npz"),
    )
    kinds = {"csv": "text/csv", "json": "application/json", "npz": "application/octet-stream"}
    for column, (title, made, name) in zip(st.columns(len(offers)), offers, strict=True):
        column.download_button(
            title,
            made,
            name,
            kinds[name.rpartition(".")[2]],
            key=f"training.{name}",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )
