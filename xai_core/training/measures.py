"""How unsteady each picture's prediction was while the network learned.

Missing epochs are left out of every figure; what is not defined is NaN.
Source: Pühringer, Hinterreiter, Streit, InstanceFlow, 2020, arXiv 2007.11353; forgetting events: Toneva and others,
An Empirical Study of Example Forgetting, 2019, arXiv 1812.05159.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.training.history import NO_DATA, History
from xai_core.types import Doubles, Indices

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class InstanceMeasures:
    """One value a picture, all (n,) and NaN where not defined.

    changes: how often the prediction changed from one epoch to the next. frequency: their share of all steps. visited:
    how many classes were predicted; variability: their share of all classes. misclassification_rate: share of the
    epochs that were wrong. first_correct: number of the first right epoch, counted from 0 among those that are looked
    at. forgetting: how often a right prediction became a wrong one. confidence: mean probability of its predictions.
    """

    changes: Doubles
    frequency: Doubles
    visited: Doubles
    variability: Doubles
    misclassification_rate: Doubles
    first_correct: Doubles
    forgetting: Doubles
    confidence: Doubles


@dataclass(frozen=True, eq=False)
class EpochMeasures:
    """What can be said of each epoch, NaN where not defined.

    accuracy: (E,) share of the pictures that were right. churn: (E - 1,) share whose prediction changed. confidence:
    (E,) mean probability of the predictions.
    """

    accuracy: Doubles
    churn: Doubles
    confidence: Doubles


def instance_measures(history: History) -> InstanceMeasures:
    """Return the measures of every picture."""
    known, judged, right = _parts(history)
    both, changed = _steps(history, known)
    steps = both.sum(axis=1)
    changes = changed.sum(axis=1)
    visited = _where(known.any(axis=1), _visited(history))
    forgotten = (right[:, :-1] & judged[:, 1:] & ~right[:, 1:]).sum(axis=1)
    return InstanceMeasures(
        changes=_where(steps > 0, changes),
        frequency=_share(changes, steps),
        visited=visited,
        variability=visited / len(history.labels),
        misclassification_rate=_share((judged & ~right).sum(axis=1), judged.sum(axis=1)),
        first_correct=_where(right.any(axis=1), right.argmax(axis=1)),
        forgetting=_where((judged[:, :-1] & judged[:, 1:]).any(axis=1), forgotten),
        confidence=_sure(history, 1),
    )


def epoch_measures(history: History) -> EpochMeasures:
    """Return the measures of every epoch."""
    known, judged, right = _parts(history)
    both, changed = _steps(history, known)
    accuracy = _share(right.sum(axis=0), judged.sum(axis=0))
    return EpochMeasures(accuracy, _share(changed.sum(axis=0), both.sum(axis=0)), _sure(history, 0))


def final_confusion(history: History) -> Indices:
    """Return how often each true class (row) was taken for each class (column) in the last epoch, (K, K)."""
    return counted(history.actual, history.predictions[:, -1], len(history.labels))


def counted(here: Indices, there: Indices, classes: int) -> Indices:
    """Return how often each class of one row of numbers (n,) met each of another, (K, K); no data is left out."""
    both = (here != NO_DATA) & (there != NO_DATA)
    return np.bincount(here[both] * classes + there[both], minlength=classes**2).reshape(classes, classes)


def _parts(history: History) -> tuple[Mask, Mask, Mask]:
    """Return where there is a prediction, where it can be judged, and where it is right, (n, E)."""
    known: Mask = history.predictions != NO_DATA
    judged: Mask = known & (history.actual != NO_DATA)[:, None]
    return known, judged, judged & (history.predictions == history.actual[:, None])


def _steps(history: History, known: Mask) -> tuple[Mask, Mask]:
    """Return the steps from one epoch to the next of which both ends are known, and those that changed, (n, E - 1)."""
    both = known[:, 1:] & known[:, :-1]
    return both, both & (history.predictions[:, 1:] != history.predictions[:, :-1])


def _visited(history: History) -> Indices:
    seen = np.zeros((len(history), len(history.labels)), bool)
    rows, columns = np.nonzero(history.predictions != NO_DATA)
    seen[rows, history.predictions[rows, columns]] = True
    return np.asarray(seen.sum(axis=1), np.int64)


def _sure(history: History, axis: int) -> Doubles:
    """Return the mean confidence over the pictures (axis 0) or the epochs (axis 1), NaN where none is known."""
    if history.confidence is None:
        return np.full(history.predictions.shape[1 - axis], np.nan)
    known = np.isfinite(history.confidence)
    sums = np.where(known, history.confidence, 0).sum(axis=axis, dtype=np.float64)
    return _share(sums, known.sum(axis=axis))


def _where(defined: Any, values: Indices) -> Doubles:
    return np.where(defined, values, np.nan)


def _share(part: Indices | Doubles, whole: Indices) -> Doubles:
    found: Doubles = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return found
