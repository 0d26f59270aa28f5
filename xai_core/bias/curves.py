"""Curves over all thresholds: ROC, and how far confidence can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, roc_curve

from xai_core.bias.classes import Mark, mark
from xai_core.bias.predictions import Predictions
from xai_core.types import Doubles


@dataclass(frozen=True, eq=False)
class Roc:
    """A ROC curve from (0, 0) to (1, 1); thresholds: the score from which a picture counts, the first infinite.

    The macro curve has no thresholds of its own: they are NaN.
    """

    name: str
    false_positive_rate: Doubles
    true_positive_rate: Doubles
    thresholds: Doubles
    area: Mark


@dataclass(frozen=True)
class Bin:
    """Predictions of like confidence: their number, mean confidence, and the share that is right."""

    low: float
    high: float
    samples: int
    confidence: Mark
    accuracy: Mark


@dataclass(frozen=True)
class Calibration:
    """Bins of confidence, and the expected calibration error: the mean gap, weighed by the bins' numbers.

    Source: Guo and others, On Calibration of Modern Neural Networks, 2017, arXiv 1706.04599.
    """

    bins: tuple[Bin, ...]
    error: Mark


def roc(found: Predictions, one: int) -> Roc | None:
    """Return the curve of a class against all others, without points on straight lines; None where undefined."""
    own = found.truth == one
    if found.probabilities is None or not 0 < own.sum() < len(own):
        return None
    return _roc(found.labels[one], own, found.probabilities[:, one])


def micro_roc(found: Predictions) -> Roc | None:
    """Return the curve of all pairs of a picture and a class; None where there are no probabilities."""
    if found.probabilities is None or len(found) == 0 or found.classes < 2:
        return None
    own = np.zeros((len(found), found.classes), bool)
    own[np.arange(len(found)), found.truth] = True
    return _roc("micro average", own.ravel(), found.probabilities.ravel())


def macro_roc(curves: list[Roc]) -> Roc | None:
    """Return the mean of the classes' curves, each counted alike; None where there is none.

    Where curves rise straight up it has both the lower and the upper point, so that its area is the mean area.
    """
    if not curves:
        return None
    across = np.unique(np.concatenate([one.false_positive_rate for one in curves]))
    below = np.mean([_before(across, one) for one in curves], axis=0)
    above = np.mean([np.interp(across, one.false_positive_rate, one.true_positive_rate) for one in curves], axis=0)
    across, up = np.repeat(across, 2), np.stack([below, above], axis=1).ravel()
    return Roc("macro average", across, up, np.full(len(across), np.nan), mark(auc(across, up)))


def calibration(found: Predictions, bins: int = 15) -> Calibration | None:
    """Return how often predictions of like confidence are right; None where there are no probabilities."""
    if found.confidence is None:
        return None
    confidence, right = found.confidence.astype(np.float64), found.predicted == found.truth
    numbers = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(np.int64)
    made = [_bin(number, bins, confidence[numbers == number], right[numbers == number]) for number in range(bins)]
    gaps = [
        one.samples * abs(one.accuracy - one.confidence)
        for one in made
        if one.accuracy is not None and one.confidence is not None
    ]
    return Calibration(tuple(made), mark(sum(gaps) / len(found)) if len(found) else None)


def _roc(name: str, own: NDArray[np.bool_], scores: NDArray[np.float32]) -> Roc:
    across, up, thresholds = roc_curve(own, scores, drop_intermediate=True)
    return Roc(name, across, up, thresholds, mark(auc(across, up)))


def _before(across: Doubles, curve: Roc) -> Doubles:
    """Return where a curve is just left of some false positive rates: the lower end of a straight rise."""
    return np.interp(-across, -curve.false_positive_rate[::-1], curve.true_positive_rate[::-1])


def _bin(number: int, bins: int, confidence: Doubles, right: NDArray[np.bool_]) -> Bin:
    known = len(confidence) > 0
    means = (float(confidence.mean()), float(right.mean())) if known else (None, None)
    return Bin(number / bins, (number + 1) / bins, len(confidence), *means)
