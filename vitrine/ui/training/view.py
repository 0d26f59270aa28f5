"""What of a history is looked at: a range of epochs, some of the pictures, in an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
import streamlit as st

from vitrine.ui import session
from vitrine.ui.slots.training import TrainingSlot
from vitrine.ui.text import literal
from xai_core.bias.wording import number
from xai_core.training.figures import UNDEFINED
from xai_core.training.history import History
from xai_core.training.measures import EpochMeasures, InstanceMeasures, epoch_measures, instance_measures
from xai_core.training.sorting import Kept, Order, arranged
from xai_core.types import Indices

KEPT: Final = "session"


@dataclass(frozen=True, eq=False)
class View:
    """A history within the range of epochs, its measures there, and the numbers of the pictures in their order."""

    history: History
    measures: InstanceMeasures
    by_epoch: EpochMeasures
    numbers: Indices


def view_form(history: History) -> View:
    """Show what can be set and return the view."""
    slot = session.slot(TrainingSlot)
    first, last = _epochs(slot, history)
    during, measures, by_epoch = slot.once(("during", first, last), lambda: _measured(history, first, last))
    order: Order = st.selectbox("Order", get_args(Order), format_func=_titled, key="training.order", persist_state=KEPT)
    kept: Kept = st.selectbox("Pictures", get_args(Kept), format_func=_titled, key="training.kept", persist_state=KEPT)
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
    """Say what was left out on the way in, and what is n/a."""
    for note in history.notes:
        st.caption(f":material/info: {literal(note, 400)}")


def overview(view: View) -> None:
    """Show the figures of the whole history in the range of epochs."""
    measures, accuracy = view.measures, view.by_epoch.accuracy
    best = 0 if np.isnan(accuracy).all() else int(np.nanargmax(accuracy))
    judged, steps = ~np.isnan(measures.misclassification_rate), ~np.isnan(measures.forgetting)
    shown = {
        "Pictures": (f"{len(view.history):,}", "All of the history; the filters are not looked at here."),
        "Accuracy": (_share(accuracy[-1]), "Share that is right in the last epoch of the range."),
        f"Best, at {view.history.epochs[best][:12]}": (_share(accuracy[best]), "Highest accuracy, and its epoch."),
        "Forgotten": (_part(measures.forgetting > 0, steps), "Share that was right, and wrong in the next epoch."),
        "Never right": (_part(measures.misclassification_rate == 1, judged), "Share that was wrong in every epoch."),
        "Churn": (_share(_mean(view.by_epoch.churn)), "Share whose prediction changes from epoch to epoch; mean."),
    }
    for column, (title, (value, explained)) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.metric(literal(title), value, help=explained)


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


def _titled(words: str) -> str:
    return words[0].upper() + words[1:]


def _share(value: float) -> str:
    if np.isnan(value):
        return UNDEFINED
    return number(float(value))


def _part(some: np.ndarray, defined: np.ndarray) -> str:
    return _share(some[defined].mean()) if defined.any() else UNDEFINED


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
