"""What can be said of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from xai_core.bias.confusion import confusion
from xai_core.bias.predictions import Mask, Predictions
from xai_core.types import Doubles, Floats, Indices

Mark = float | None


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class; None where one is not defined, as the precision of a class that was never predicted.

    samples, predicted: how many pictures are of the class, and how many were taken for it. separation_ratio: mean
    probability of the class on its own pictures over that on all others, above 1 where it is told apart.
    representation_ratio: how often it is predicted, over how often it occurs.
    """

    label: str
    samples: int
    predicted: int
    precision: Mark
    recall: Mark
    f1: Mark
    auroc: Mark
    separation_ratio: Mark
    representation_ratio: Mark


def class_figures(found: Predictions) -> list[ClassFigures]:
    """Return the figures of every class, in the order of the labels."""
    counts = confusion(found.truth, found.predicted, found.classes)
    precisions, recalls, f1s = precision_recall_f1(counts)
    areas = aurocs(found.truth, found.probabilities, found.classes)
    separations = separation_ratios(found.truth, found.probabilities, found.classes)
    samples, predicted = counts.sum(axis=1), counts.sum(axis=0)
    return [
        ClassFigures(
            label=label,
            samples=int(samples[one]),
            predicted=int(predicted[one]),
            precision=mark(precisions[one]),
            recall=mark(recalls[one]),
            f1=mark(f1s[one]),
            auroc=mark(areas[one]),
            separation_ratio=mark(separations[one]),
            representation_ratio=mark(ratio(predicted[one], samples[one])),
        )
        for one, label in enumerate(found.labels)
    ]


def precision_recall_f1(counts: Indices) -> tuple[Doubles, Doubles, Doubles]:
    """Return precision, recall and F1 of each class from a confusion matrix (..., K, K); NaN where undefined.

    F1 is 2 TP / (2 TP + FP + FN), which is 0 where a class occurs but is never hit.
    """
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    samples, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    return ratio(right, predicted), ratio(right, samples), ratio(2 * right, samples + predicted)


def aurocs(truth: Indices, probabilities: Floats | None, classes: int) -> Doubles:
    """Return the area under the ROC curve of each class against all others; NaN where one side is empty.

    It is the probability that a picture of the class has the higher score, ties counted half.
    """
    if probabilities is None:
        return np.full(classes, np.nan)
    return np.array([_auroc(truth == one, probabilities[:, one]) for one in range(classes)])


def placements(truth: Indices, probabilities: Floats) -> Floats:
    """Return where each picture stands in the ranking by each class, (n, K); NaN where one side is empty.

    For pictures of the class it is the share of the others that they beat, for the others the share of the class that
    beats them, ties counted half; the mean of either is the AUROC.
    """
    return np.stack([_placed(truth == one, scores) for one, scores in enumerate(probabilities.T)], axis=1)


def separation_ratios(truth: Indices, probabilities: Floats | None, classes: int) -> Doubles:
    """Return for each class its mean probability on its own pictures over that on the others; NaN where undefined."""
    if probabilities is None:
        return np.full(classes, np.nan)
    own = np.zeros((len(truth), classes), bool)
    own[np.arange(len(truth)), truth] = True
    values = probabilities.astype(np.float64)
    inside = ratio((values * own).sum(axis=0), own.sum(axis=0))
    outside = ratio((values * ~own).sum(axis=0), (~own).sum(axis=0))
    return ratio(inside, outside)


def _auroc(own: Mask, scores: Floats) -> float:
    inside = int(own.sum())
    if not 0 < inside < len(own):
        return float("nan")
    beaten = float(rankdata(scores)[own].sum()) - inside * (inside + 1) / 2
    return beaten / (inside * (len(own) - inside))


def _placed(own: Mask, scores: Floats) -> Floats:
    places = np.full(len(own), np.nan, np.float32)
    mine, rest = np.sort(scores[own]), np.sort(scores[~own])
    if len(mine) and len(rest):
        places[own] = _share_below(rest, scores[own])
        places[~own] = 1 - _share_below(mine, scores[~own])
    return places


def _share_below(ranked: Floats, scores: Floats) -> Doubles:
    low, high = (np.searchsorted(ranked, scores, side) for side in ("left", "right"))
    return np.asarray((low + high) / (2 * len(ranked)), np.float64)


def ratio(above: object, below: object) -> Doubles:
    """Return a quotient, NaN where it is not defined."""
    top, bottom = np.asarray(above, np.float64), np.asarray(below, np.float64)
    top, bottom = np.broadcast_arrays(top, bottom)
    found: Doubles = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)
    return found


def mark(value: object) -> Mark:
    """Return a number, or None where it is not defined."""
    number = float(np.asarray(value, np.float64))
    return number if np.isfinite(number) else None
