"""The part of a history that is shown: a range of epochs, and some of the pictures in some order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
import streamlit as st

from vitrine.ui import session
from vitrine.ui.drawing.text import literal
from vitrine.ui.slots.training import TrainingSlot
from xai_core.training.history import History
from xai_core.training.measures import EpochMeasures, InstanceMeasures, Mask, epoch_measures, instance_measures
from xai_core.training.sorting import Kept, Order, arranged
from xai_core.types import Doubles, Indices
from xai_core.wording import UNDEFINED, capitalised, number

KEPT: Final = "session"


@dataclass(frozen=True, eq=False)
class View:
    """A history within a range of epochs, its measures there, and the numbers of the shown pictures, in order."""

    history: History
    measures: InstanceMeasures
    by_epoch: EpochMeasures
    numbers: Indices


def view_form(history: History) -> View:
    """Show the controls, and return the view that they describe."""
    slot = session.slot(TrainingSlot)
    first, last = _epochs(slot, history)
    during, measures, by_epoch = slot.once(("during", first, last), lambda: _measured(history, first, last))
    order: Order = st.selectbox(
        "Order", get_args(Order), format_func=capitalised, key="training.order", persist_state=KEPT
    )
    kept: Kept = st.selectbox(
        "Pictures", get_args(Kept), format_func=capitalised, key="training.kept", persist_state=KEPT
    )
    labels = st.multiselect(
        "True classes",
        range(len(history.labels)),
        format_func=lambda label: history.labels[label],
        key=f"training.labels.{slot.turn}",
        placeholder="All",
        persist_state=KEPT,
    )
    search = st.text_input("Search by id", key=f"training.search.{slot.turn}", persist_state=KEPT)
    return View(during, measures, by_epoch, arranged(during, measures, order, kept, tuple(labels), search))


def notes(history: History) -> None:
    """Show what was dropped while reading, and what is n/a."""
    for note in history.notes:
        st.caption(f":material/info: {literal(note, 400)}")


def overview(view: View) -> None:
    """Show the key numbers of the whole history in the range of epochs."""
    shown = _key_numbers(view)
    for column, (title, (value, meaning)) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.metric(literal(title), value, help=meaning)


def _key_numbers(view: View) -> dict[str, tuple[str, str]]:
    """Return the value and the meaning of each key number, by title."""
    measures, accuracy = view.measures, view.by_epoch.accuracy
    best = 0 if np.isnan(accuracy).all() else int(np.nanargmax(accuracy))
    judged, steps = ~np.isnan(measures.misclassification_rate), ~np.isnan(measures.forgetting)
    return {
        "Pictures": (f"{len(view.history):,}", "All pictures of the history, regardless of the filters."),
        "Accuracy": (_share(accuracy[-1]), "Share of correct predictions in the last epoch of the range."),
        f"Best, at {view.history.epochs[best][:12]}": (
            _share(accuracy[best]),
            "Highest accuracy, and the epoch it was reached in.",
        ),
        "Forgotten": (
            _part(measures.forgetting > 0, steps),
            "Share of pictures that were right and then wrong in the next epoch.",
        ),
        "Never right": (
            _part(measures.misclassification_rate == 1, judged),
            "Share of pictures that were wrong in every epoch.",
        ),
        "Churn": (
            _share(_mean(view.by_epoch.churn)),
            "Mean share of predictions that change from one epoch to the next.",
        ),
    }


def _measured(history: History, first: int, last: int) -> tuple[History, InstanceMeasures, EpochMeasures]:
    during = history.during(first, last)
    return during, instance_measures(during), epoch_measures(during)


def _epochs(slot: TrainingSlot, history: History) -> tuple[int, int]:
    if len(history.epochs) == 1:
        return 0, 0
    first, last = slot.range_in(history.epochs)
    key = f"training.epochs.{slot.turn}.{len(history.epochs)}"
    slot.range = st.select_slider("Epochs", history.epochs, value=(first, last), key=key)
    first, last = slot.range
    return history.epochs.index(first), history.epochs.index(last)


def _share(value: float) -> str:
    if np.isnan(value):
        return UNDEFINED
    return number(float(value))


def _part(which: Mask, defined: Mask) -> str:
    return _share(float(which[defined].mean())) if defined.any() else UNDEFINED


def _mean(values: Doubles) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
