"""Choose which pictures of a history are shown, and in which order."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.training.history import NO_DATA, History
from xai_core.training.measures import InstanceMeasures
from xai_core.types import Indices

Order = Literal[
    "misclassification rate", "changes", "visited classes", "forgetting", "first correct", "true class", "original"
]
Kept = Literal["all", "wrong at the end", "ever wrong", "changed", "forgotten", "never right"]


def arranged(
    history: History,
    measures: InstanceMeasures,
    order: Order = "original",
    kept: Kept = "all",
    labels: tuple[int, ...] = (),
    search: str = "",
) -> Indices:
    """Return the numbers of the pictures that are kept, in order: highest value first, ties by true class.

    By first correct epoch, pictures that were never right come first, then the latest; undefined values come last.
    labels: keep only these true classes; empty means all. search: keep only ids that contain this text, ignoring case.
    """
    chosen = _kept(history, measures, kept)
    if labels:
        chosen &= np.isin(history.actual, labels)
    if text := search.strip().casefold():
        chosen &= np.array([text in str(name).casefold() for name in history.ids], bool)
    numbers = np.flatnonzero(chosen)
    if order == "original":
        return numbers
    keys = np.stack([_by_class(history), _keys(history, measures, order)])[:, numbers]
    return numbers[np.lexsort(keys)]


def _kept(history: History, measures: InstanceMeasures, kept: Kept) -> NDArray[np.bool_]:
    last, actual = history.predictions[:, -1], history.actual
    masks: dict[str, NDArray[np.bool_]] = {
        "all": np.ones(len(history), bool),
        "wrong at the end": (last != actual) & (last != NO_DATA) & (actual != NO_DATA),
        "ever wrong": np.nan_to_num(measures.misclassification_rate) > 0,
        "changed": np.nan_to_num(measures.changes) > 0,
        "forgotten": np.nan_to_num(measures.forgetting) > 0,
        "never right": measures.misclassification_rate == 1,
    }
    return masks[kept]


def _keys(history: History, measures: InstanceMeasures, order: Order) -> NDArray[Any]:
    keys: dict[str, NDArray[Any]] = {
        "misclassification rate": -measures.misclassification_rate,
        "changes": -measures.changes,
        "visited classes": -measures.visited,
        "forgetting": -measures.forgetting,
        "first correct": -np.where(measures.misclassification_rate == 1, np.inf, measures.first_correct),
        "true class": _by_class(history),
    }
    return keys[order]


def _by_class(history: History) -> NDArray[np.float64]:
    return np.where(history.actual == NO_DATA, np.inf, history.actual)
