"""How unsteady each picture's prediction was while the network learned.

Missing epochs are left out of every figure; what is not defined is NaN.
Source: Pühringer, Hinterreiter, Streit, InstanceFlow, 2020, arXiv 2007.11353; forgetting events: Toneva and others,
An Empirical Study of Example Forgetting, 2019, arXiv 1812.05159.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xai_core.training.history import NO_DATA, History
from xai_core.types import Indices

Doubles = NDArray[np.float64]
NEVER = -1


@dataclass(frozen=True, eq=False)
class InstanceMeasures:
    """One value a picture, all (n,).

    changes: how often the prediction changed from one epoch to the next. frequency: their share of all steps. visited:
    how many classes were predicted; variability: their share of all classes. misclassification_rate: share of the
    epochs that were wrong. first_correct: number of the first right epoch, -1 where there is none. forgetting: how
    often a right prediction became a wrong one.
    """

    changes: Indices
    frequency: Doubles
    visited: Indices
    variability: Doubles
    misclassification_rate: Doubles
    first_correct: Indices
    forgetting: Indices


@dataclass(frozen=True, eq=False)
class EpochMeasures:
    """accuracy: (E,) share of the pictures that were right. churn: (E - 1,) share whose prediction changed."""

    accuracy: Doubles
    churn: Doubles


def instance_measures(history: History) -> InstanceMeasures:
    """Return the measures of every picture."""
    found, known, right = _parts(history)
    both = known[:, 1:] & known[:, :-1]
    changed = both & (found[:, 1:] != found[:, :-1])
    changes = changed.sum(axis=1)
    visited = _visited(history)
    return InstanceMeasures(
        changes=changes,
        frequency=_share(changes, both.sum(axis=1)),
        visited=visited,
        variability=_share(visited, np.full(len(history), len(history.labels))),
        misclassification_rate=_share((known & ~right).sum(axis=1), known.sum(axis=1)),
        first_correct=np.where(right.any(axis=1), right.argmax(axis=1), NEVER) if found.shape[1] else changes + NEVER,
        forgetting=(both & right[:, :-1] & ~right[:, 1:]).sum(axis=1),
    )


def epoch_measures(history: History) -> EpochMeasures:
    """Return the measures of every epoch."""
    found, known, right = _parts(history)
    both = known[:, 1:] & known[:, :-1]
    changed = both & (found[:, 1:] != found[:, :-1])
    return EpochMeasures(_share(right.sum(axis=0), known.sum(axis=0)), _share(changed.sum(axis=0), both.sum(axis=0)))


def flow(history: History, first: int, second: int) -> Indices:
    """Return how many pictures went from a class (row) in one epoch to a class (column) in another, (K, K)."""
    classes = len(history.labels)
    here, there = history.predictions[:, first], history.predictions[:, second]
    both = (here != NO_DATA) & (there != NO_DATA)
    return np.bincount(here[both] * classes + there[both], minlength=classes**2).reshape(classes, classes)


def final_confusion(history: History) -> Indices:
    """Return how often each true class (row) was taken for each class (column) in the last epoch, (K, K)."""
    classes, last = len(history.labels), history.predictions[:, -1]
    known = last != NO_DATA
    return np.bincount(history.actual[known] * classes + last[known], minlength=classes**2).reshape(classes, classes)


def correct(history: History) -> NDArray[np.bool_]:
    """Return where a prediction is right, (n, E); not where there is no data."""
    return _parts(history)[2]


def _parts(history: History) -> tuple[Indices, NDArray[np.bool_], NDArray[np.bool_]]:
    found = history.predictions
    known: NDArray[np.bool_] = found != NO_DATA
    return found, known, known & (found == history.actual[:, None])


def _visited(history: History) -> Indices:
    seen = np.zeros((len(history), len(history.labels)), bool)
    rows, columns = np.nonzero(history.predictions != NO_DATA)
    seen[rows, history.predictions[rows, columns]] = True
    return np.asarray(seen.sum(axis=1), np.int64)


def _share(part: Indices, whole: Indices) -> Doubles:
    found: Doubles = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return found
