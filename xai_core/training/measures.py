"""Measure how much each picture's prediction changed during training.

Missing epochs are never counted; undefined values are NaN.
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
    """One value per picture, all (n,) and NaN where undefined.

    changes: how often the prediction changed from one epoch to the next. frequency: changes per step. visited: how many
    classes were predicted. variability: visited divided by all classes. misclassification_rate: share of wrong epochs.
    first_correct: number of the first correct epoch, counted from 0 within the range. forgetting: how often a correct
    prediction became wrong. confidence: mean probability of the predictions.
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
    """One value per epoch, NaN where undefined.

    accuracy: (E,) share of correct predictions. churn: (E - 1,) share of changed predictions. confidence: (E,) mean
    probability of the predictions.
    """

    accuracy: Doubles
    churn: Doubles
    confidence: Doubles


def instance_measures(history: History) -> InstanceMeasures:
    """Return the measures of every picture."""
    known, judged, correct = _parts(history)
    both, changed = _steps(history, known)
    steps = both.sum(axis=1)
    changes = changed.sum(axis=1)
    visited = _where(known.any(axis=1), _visited(history))
    forgotten = (correct[:, :-1] & judged[:, 1:] & ~correct[:, 1:]).sum(axis=1)
    return InstanceMeasures(
        changes=_where(steps > 0, changes),
        frequency=_share(changes, steps),
        visited=visited,
        variability=visited / len(history.labels),
        misclassification_rate=_share((judged & ~correct).sum(axis=1), judged.sum(axis=1)),
        first_correct=_where(correct.any(axis=1), correct.argmax(axis=1)),
        forgetting=_where((judged[:, :-1] & judged[:, 1:]).any(axis=1), forgotten),
        confidence=_mean_confidence(history, 1),
    )


def epoch_measures(history: History) -> EpochMeasures:
    """Return the measures of every epoch."""
    known, judged, correct = _parts(history)
    both, changed = _steps(history, known)
    accuracy = _share(correct.sum(axis=0), judged.sum(axis=0))
    return EpochMeasures(accuracy, _share(changed.sum(axis=0), both.sum(axis=0)), _mean_confidence(history, 0))


def final_confusion(history: History) -> Indices:
    """Return how often each true class (row) was predicted as each class (column) in the last epoch, (K, K)."""
    return counted(history.actual, history.predictions[:, -1], len(history.labels))


def counted(here: Indices, there: Indices, classes: int) -> Indices:
    """Return how often a class in `here` (n,) coincides with one in `there` (n,), (K, K); no data is not counted."""
    both = (here != NO_DATA) & (there != NO_DATA)
    return np.bincount(here[both] * classes + there[both], minlength=classes**2).reshape(classes, classes)


def _parts(history: History) -> tuple[Mask, Mask, Mask]:
    """Return where there is a prediction, where its true class is known, and where it is correct, (n, E) each."""
    known: Mask = history.predictions != NO_DATA
    judged: Mask = known & (history.actual != NO_DATA)[:, None]
    return known, judged, judged & (history.predictions == history.actual[:, None])


def _steps(history: History, known: Mask) -> tuple[Mask, Mask]:
    """Return the steps between epochs with two predictions, and those where they differ, (n, E - 1) each."""
    both = known[:, 1:] & known[:, :-1]
    return both, both & (history.predictions[:, 1:] != history.predictions[:, :-1])


def _visited(history: History) -> Indices:
    seen = np.zeros((len(history), len(history.labels)), bool)
    rows, columns = np.nonzero(history.predictions != NO_DATA)
    seen[rows, history.predictions[rows, columns]] = True
    return np.asarray(seen.sum(axis=1), np.int64)


def _mean_confidence(history: History, axis: int) -> Doubles:
    """Return the mean confidence over pictures (axis 0) or epochs (axis 1), NaN where none is known."""
    if history.confidence is None:
        return np.full(history.predictions.shape[1 - axis], np.nan)
    known = np.isfinite(history.confidence)
    sums = np.where(known, history.confidence, 0).sum(axis=axis, dtype=np.float64)
    return _share(sums, known.sum(axis=axis))


def _where(defined: Any, values: Indices) -> Doubles:
    return np.where(defined, values, np.nan)


def _share(part: Indices | Doubles, whole: Indices) -> Doubles:
    share: Doubles = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share
