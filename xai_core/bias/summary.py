"""A model's predictions in a few numbers, each with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xai_core.bias.bootstrap import Areas, Counts, counted, draws
from xai_core.bias.classes import aurocs
from xai_core.bias.confusion import confusion
from xai_core.bias.predictions import Predictions
from xai_core.bias.settings import BOOTSTRAP_SAMPLES, INTERVAL_LEVEL
from xai_core.bias.values import Value, defined, mean_defined, ratio, std_defined
from xai_core.types import Doubles, Floats, Texts

AREA, FLOOR = "macro_auroc", "degree_of_bias_floor"


@dataclass(frozen=True)
class SummaryMetric:
    """One number about a whole model. of: computes it (B,) from counts (B, K); None if it needs more than those."""

    id: str
    title: str
    meaning: str
    of: Callable[[Counts], Doubles] | None = None


def _precision(counts: Counts) -> Doubles:
    return ratio(counts.right, counts.predicted)


def _recall(counts: Counts) -> Doubles:
    return ratio(counts.right, counts.samples)


def _f1(counts: Counts) -> Doubles:
    return ratio(2 * counts.right, counts.samples + counts.predicted)


SUMMARY_METRICS = (
    SummaryMetric(
        "accuracy",
        "Accuracy",
        "The share of pictures that were predicted correctly. Large classes hide small ones.",
        lambda counts: ratio(counts.right.sum(axis=1), counts.samples.sum(axis=1)),
    ),
    SummaryMetric(
        "macro_precision",
        "Macro precision",
        "The mean precision over classes, equally weighted; classes that were never predicted are left out.",
        lambda counts: mean_defined(_precision(counts)),
    ),
    SummaryMetric(
        "macro_recall",
        "Macro recall",
        "The mean recall over the classes that occur, equally weighted.",
        lambda counts: mean_defined(_recall(counts)),
    ),
    SummaryMetric(
        "macro_f1",
        "Macro F1",
        "The mean F1 over classes, equally weighted.",
        lambda counts: mean_defined(_f1(counts)),
    ),
    SummaryMetric(
        AREA,
        "Macro AUROC",
        "How well the probabilities rank each class above the others, independent of any threshold; 0.5 is chance.",
    ),
    SummaryMetric(
        "degree_of_bias",
        "Degree of bias",
        "How much recall varies between classes (standard deviation). It compares classes only: a model that is unfair "
        "to a group inside every class can still score 0. With few pictures per class, chance alone raises it, and its "
        "interval even more.",
        lambda counts: std_defined(_recall(counts)),
    ),
    SummaryMetric(
        FLOOR,
        "Degree of bias floor",
        "The degree of bias to expect from chance alone with so few pictures per class.",
    ),
    SummaryMetric(
        "precision_std",
        "Precision std",
        "How much precision varies between classes (standard deviation); a class that was never predicted counts as 0.",
        lambda counts: std_defined(np.nan_to_num(_precision(counts))),
    ),
    SummaryMetric(
        "precision_std_defined_only",
        "Precision std (defined only)",
        "The same, without classes that were never predicted.",
        lambda counts: std_defined(_precision(counts)),
    ),
)


@dataclass(frozen=True)
class Figure:
    """A number with its interval; None where undefined. undefined: bootstrap samples in which it was undefined."""

    value: Value
    low: Value = None
    high: Value = None
    undefined: int = 0


def summary(
    predictions: Predictions,
    bootstrap_samples: int = BOOTSTRAP_SAMPLES,
    interval_level: float = INTERVAL_LEVEL,
    seed: int = 0,
    strata: Texts | None = None,
) -> dict[str, Figure]:
    """Return the numbers of `SUMMARY_METRICS` by id, with percentile bootstrap intervals.

    bootstrap_samples: how often the pictures are resampled with replacement; with strata (n,) within each stratum, so
    that it keeps its size. interval_level: the share of the bootstrap samples inside the interval.
    """
    values = _values(counted(predictions, np.ones((len(predictions), 1), np.float32)))
    values[AREA] = mean_defined(aurocs(predictions.truth, predictions.probabilities, predictions.classes))[None]
    resampled = _resampled(predictions, bootstrap_samples, seed, strata)
    figures = {key: _figure(float(value[0]), resampled[key], interval_level) for key, value in values.items()}
    figures[FLOOR] = Figure(defined(sampling_floor(predictions)))
    return {metric.id: figures[metric.id] for metric in SUMMARY_METRICS}


def sampling_floor(predictions: Predictions) -> float:
    """Return the degree of bias to expect from classes of equal recall, given how few pictures each has.

    It is the root of the mean variance of a class's recall r (1 - r) / n, times (K - 1) / K.
    """
    counts = confusion(predictions.truth, predictions.predicted, predictions.classes)
    samples = counts.sum(axis=1)
    present = samples > 0
    if not present.any():
        return float("nan")
    recall = np.diag(counts)[present] / samples[present]
    classes = int(present.sum())
    return float(np.sqrt(np.mean(recall * (1 - recall) / samples[present]) * (classes - 1) / classes))


def _values(counts: Counts) -> dict[str, Doubles]:
    return {metric.id: metric.of(counts) for metric in SUMMARY_METRICS if metric.of is not None}


def _resampled(predictions: Predictions, bootstrap_samples: int, seed: int, strata: Texts | None) -> dict[str, Doubles]:
    """Return each number in all bootstrap samples, (B,) each; no sample without pictures."""
    areas = None if predictions.probabilities is None else Areas(predictions, bootstrap_samples)
    weights = draws(len(predictions), bootstrap_samples, seed, strata) if len(predictions) else iter(())
    parts = [_values(counted(predictions, drawn)) | {AREA: _area(areas, drawn)} for drawn in weights]
    keys = [*(metric.id for metric in SUMMARY_METRICS if metric.of is not None), AREA]
    return {key: np.concatenate([[], *(part[key] for part in parts)]) for key in keys}


def _area(areas: Areas | None, weights: Floats) -> Doubles:
    return np.full(weights.shape[1], np.nan) if areas is None else mean_defined(areas.drawn(weights))


def _figure(value: float, resampled: Doubles, interval_level: float) -> Figure:
    known = resampled[np.isfinite(resampled)]
    undefined = len(resampled) - len(known)
    if not len(known):
        return Figure(defined(value), undefined=undefined)
    low, high = np.quantile(known, [(1 - interval_level) / 2, (1 + interval_level) / 2])
    return Figure(defined(value), float(low), float(high), undefined)
