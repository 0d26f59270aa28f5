"""Measure each class: how well it is recognised, and how often it is predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from xai_core.bias.confusion import confusion
from xai_core.bias.predictions import Mask, Predictions
from xai_core.bias.values import Value, defined, ratio
from xai_core.types import Doubles, Floats, Indices


@dataclass(frozen=True, kw_only=True)
class ClassMetric:
    """How a field of `ClassFigures` is shown. meaning: one clause. share: whether it lies in 0..1."""

    id: str
    title: str
    meaning: str
    share: bool = True


CLASS_METRICS = (
    ClassMetric(id="recall", title="Recall", meaning="share of the pictures of this class that were predicted as it"),
    ClassMetric(
        id="precision",
        title="Precision",
        meaning="share of the pictures predicted as this class that really belong to it",
    ),
    ClassMetric(id="f1", title="F1", meaning="harmonic mean of precision and recall"),
    ClassMetric(
        id="auroc",
        title="AUROC",
        meaning="how well the probability of the class ranks its own pictures above all others; 0.5 is chance",
    ),
    ClassMetric(
        id="separation_ratio",
        title="Separation ratio",
        meaning="mean probability of the class on its own pictures, divided by that on all others; 1 means no "
        "separation. This is not disparate impact in the legal sense, and the four-fifths rule does not apply",
        share=False,
    ),
    ClassMetric(
        id="representation_ratio",
        title="Representation ratio",
        meaning="how often the class is predicted, divided by how often it occurs",
        share=False,
    ),
)


@dataclass(frozen=True)
class ClassFigures:
    """The metrics of one class; None where undefined, such as the precision of a class that was never predicted.

    samples: pictures of the class. predicted: pictures predicted as it. The others are described in `CLASS_METRICS`.
    """

    label: str
    samples: int
    predicted: int
    precision: Value
    recall: Value
    f1: Value
    auroc: Value
    separation_ratio: Value
    representation_ratio: Value

    @property
    def is_never_predicted(self) -> bool:
        """Whether the class has pictures but was never predicted."""
        return self.samples > 0 and self.predicted == 0


def class_figures(predictions: Predictions) -> list[ClassFigures]:
    """Return the metrics of every class, in the order of the labels."""
    truth, probabilities, classes = predictions.truth, predictions.probabilities, predictions.classes
    counts = confusion(truth, predictions.predicted, classes)
    samples, predicted = counts.sum(axis=1), counts.sum(axis=0)
    columns = (
        *precision_recall_f1(counts),
        aurocs(truth, probabilities, classes),
        separation_ratios(truth, probabilities, classes),
        ratio(predicted, samples),
    )
    return [
        ClassFigures(label, int(samples[n]), int(predicted[n]), *(defined(column[n]) for column in columns))
        for n, label in enumerate(predictions.labels)
    ]


def precision_recall_f1(counts: Indices) -> tuple[Doubles, Doubles, Doubles]:
    """Return precision, recall and F1 of each class from a confusion matrix (..., K, K); NaN where undefined.

    F1 is 2 TP / (2 TP + FP + FN), which is 0 for a class that occurs but is never hit.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    samples, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    return ratio(hits, predicted), ratio(hits, samples), ratio(2 * hits, samples + predicted)


def aurocs(truth: Indices, probabilities: Floats | None, classes: int) -> Doubles:
    """Return the area under the ROC curve of each class against the rest, (K,); NaN where one side is empty.

    It is the probability that a picture of the class scores higher than one of another class; ties count half.
    """
    if probabilities is None:
        return np.full(classes, np.nan)
    return np.array([_auroc(truth == label, probabilities[:, label]) for label in range(classes)])


def placements(truth: Indices, probabilities: Floats) -> Floats:
    """Return where each picture stands in the ranking by each class, (n, K); NaN where one side is empty.

    For pictures of the class: the share of the others that they beat. For the others: the share of the class that
    beats them. Ties count half. The mean of either is the AUROC.
    """
    return np.stack([_placed(truth == label, scores) for label, scores in enumerate(probabilities.T)], axis=1)


def separation_ratios(truth: Indices, probabilities: Floats | None, classes: int) -> Doubles:
    """Return each class's mean probability on its own pictures over that on the others, (K,); NaN where undefined."""
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
