"""Which pictures of a history are shown, and in which order."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.training.history import NO_DATA, History
from xai_core.training.measures import InstanceMeasures, instance_measures
from xai_core.types import Indices

Order = Literal["as they came", "misclassification rate", "changes", "visited classes", "forgetting", "true class"]
Kept = Literal["all", "only wrong at the end", "ever wrong", "forgotten", "never right"]


def arranged(history: History, order: Order, kept: Kept = "all", label: int | None = None, search: str = "") -> Indices:
    """Return the numbers of the pictures that are kept, in order: the greatest value first, ties as they came.

    label: only pictures of this true class. search: only those whose id holds this text, in any case of letters.
    """
    measures = instance_measures(history)
    chosen = _kept(history, measures, kept)
    if label is not None:
        chosen &= history.actual == label
    if words := search.strip().casefold():
        chosen &= np.array([words in str(one).casefold() for one in history.ids], bool)
    numbers = np.flatnonzero(chosen)
    return numbers[np.argsort(_keys(history, measures, order)[numbers], kind="stable")]


def _kept(history: History, measures: InstanceMeasures, kept: Kept) -> NDArray[np.bool_]:
    last = history.predictions[:, -1]
    masks: dict[str, NDArray[np.bool_]] = {
        "all": np.ones(len(history), bool),
        "only wrong at the end": (last != history.actual) & (last != NO_DATA),
        "ever wrong": np.nan_to_num(measures.misclassification_rate) > 0,
        "forgotten": measures.forgetting > 0,
        "never right": (measures.first_correct < 0) & ~np.isnan(measures.misclassification_rate),
    }
    return masks[kept]


def _keys(history: History, measures: InstanceMeasures, order: Order) -> NDArray[Any]:
    keys: dict[str, NDArray[Any]] = {
        "as they came": np.arange(len(history)),
        "misclassification rate": -np.nan_to_num(measures.misclassification_rate, nan=-1),
        "changes": -measures.changes,
        "visited classes": -measures.visited,
        "forgetting": -measures.forgetting,
        "true class": history.actual,
    }
    return keys[order]
