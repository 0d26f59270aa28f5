"""Curves over all thresholds: ROC curves, and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import auc, roc_curve

from xai_core.bias.predictions import Mask, Predictions
from xai_core.bias.values import Value, defined
from xai_core.types import Doubles, Floats

MICRO, MACRO = "micro average", "macro average"


@dataclass(frozen=True, eq=False)
class Roc:
    """A ROC curve from (0, 0) to (1, 1), arrays of one length.

    thresholds: the score from which a picture counts as positive, the first infinite; NaN in the macro average, which
    has none of its own.
    """

    name: str
    false_positive_rate: Doubles
    true_positive_rate: Doubles
    thresholds: Doubles
    area: Value

    @property
    def is_average(self) -> bool:
        return self.name in (MICRO, MACRO)


@dataclass(frozen=True)
class Bin:
    """Predictions of similar confidence: how many, their mean confidence, and the share that is correct."""

    low: float
    high: float
    samples: int
    confidence: Value
    accuracy: Value


@dataclass(frozen=True)
class Calibration:
    """Bins of confidence, and the expected calibration error: the mean gap, weighted by pictures.

    Source: Guo and others, On Calibration of Modern Neural Networks, 2017, arXiv 1706.04599.
    """

    bins: tuple[Bin, ...]
    error: Value


def roc(predictions: Predictions, label: int) -> Roc | None:
    """Return the curve of a class against the rest, without redundant points; None where undefined."""
    own = predictions.truth == label
    if predictions.probabilities is None or not 0 < own.sum() < len(own):
        return None
    return _roc(predictions.labels[label], own, predictions.probabilities[:, label])


def micro_roc(predictions: Predictions) -> Roc | None:
    """Return the curve over all pairs of a picture and a class; None without probabilities."""
    if predictions.probabilities is None or len(predictions) == 0 or predictions.classes < 2:
        return None
    own = np.zeros((len(predictions), predictions.classes), bool)
    own[np.arange(len(predictions)), predictions.truth] = True
    return _roc(MICRO, own.ravel(), predictions.probabilities.ravel())


def macro_roc(curves: Sequence[Roc]) -> Roc | None:
    """Return the mean of the classes' curves, each with equal weight; None without curves.

    Where curves rise vertically it keeps both the lower and the upper point, so that its area is the mean area.
    """
    if not curves:
        return None
    across = np.unique(np.concatenate([curve.false_positive_rate for curve in curves]))
    below = np.mean([_before(across, curve) for curve in curves], axis=0)
    above = np.mean([np.interp(across, c.false_positive_rate, c.true_positive_rate) for c in curves], axis=0)
    across, up = np.repeat(across, 2), np.stack([below, above], axis=1).ravel()
    return Roc(MACRO, across, up, np.full(len(across), np.nan), defined(auc(across, up)))


def calibration(predictions: Predictions, bins: int = 15) -> Calibration | None:
    """Return how often predictions of similar confidence are correct; None without probabilities."""
    if predictions.confidence is None:
        return None
    confidence, correct = predictions.confidence.astype(np.float64), predictions.predicted == predictions.truth
    numbers = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(np.int64)
    filled = [_bin(n, bins, confidence[numbers == n], correct[numbers == n]) for n in range(bins)]
    return Calibration(tuple(filled), _expected_error(filled))


def _expected_error(bins: Sequence[Bin]) -> Value:
    gaps = [
        each.samples * abs(each.accuracy - each.confidence)
        for each in bins
        if each.accuracy is not None and each.confidence is not None
    ]
    pictures = sum(each.samples for each in bins)
    return sum(gaps) / pictures if pictures else None


def _roc(name: str, own: Mask, scores: Floats) -> Roc:
    across, up, thresholds = roc_curve(own, scores, drop_intermediate=True)
    return Roc(name, across, up, thresholds, defined(auc(across, up)))


def _before(across: Doubles, curve: Roc) -> Doubles:
    """Return where a curve is just left of some false positive rates: the lower end of a vertical rise."""
    return np.interp(-across, -curve.false_positive_rate[::-1], curve.true_positive_rate[::-1])


def _bin(number: int, bins: int, confidence: Doubles, correct: Mask) -> Bin:
    means = (float(confidence.mean()), float(correct.mean())) if len(confidence) else (None, None)
    return Bin(number / bins, (number + 1) / bins, len(confidence), *means)
