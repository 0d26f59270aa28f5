"""A model's predictions in a few figures, each with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

from xai_core.bias.bootstrap import Areas, Counts, counted, draws
from xai_core.bias.classes import Mark, aurocs, mark, ratio
from xai_core.bias.confusion import confusion
from xai_core.bias.predictions import Predictions
from xai_core.bias.settings import BOOTSTRAP_SAMPLES, INTERVAL_LEVEL
from xai_core.bias.wording import words
from xai_core.types import Doubles, Floats, Texts

MEANINGS = {
    "accuracy": "The share of pictures that were taken for their class. It hides small classes behind large ones.",
    "macro_precision": "The mean precision of the classes, each counted alike, never predicted ones left out.",
    "macro_recall": "The mean recall of the classes that occur, each counted alike.",
    "macro_f1": "The mean F1 of the classes, each counted alike.",
    "macro_auroc": "How well probabilities rank each class above the others, 0.5 by chance. It knows no threshold.",
    "degree_of_bias": "How far the classes' recalls lie apart (their standard deviation). It sees classes only: a "
    "model that is unfair to a colour or a group inside every class may have none. With few pictures a class chance "
    "alone raises it, and its interval even more.",
    "degree_of_bias_floor": "The degree of bias that chance alone brings with so few pictures a class.",
    "precision_std": "How far the classes' precisions lie apart, never predicted classes counted as 0.",
    "precision_std_defined_only": "The same without the classes that were never predicted.",
}


@dataclass(frozen=True)
class Figure:
    """A figure with its interval; None where it is not defined. undefined: the bootstrap samples in which it was
    not.
    """

    value: Mark
    low: Mark = None
    high: Mark = None
    undefined: int = 0


def summary(
    found: Predictions,
    bootstrap_samples: int = BOOTSTRAP_SAMPLES,
    interval_level: float = INTERVAL_LEVEL,
    seed: int = 0,
    strata: Texts | None = None,
) -> dict[str, Figure]:
    """Return the figures of `MEANINGS` by name, with percentile bootstrap intervals.

    bootstrap_samples: times that the pictures are drawn anew, with replacement; with strata (n,) each stratum by
    itself, so that it keeps its size. interval_level: share of them in the interval.
    """
    areas = None if found.probabilities is None else Areas(found, bootstrap_samples)
    values = _figures(counted(found, np.ones((len(found), 1), np.float32)))
    values["macro_auroc"] = np.array([mean_of_defined(aurocs(found.truth, found.probabilities, found.classes))])
    weights = draws(len(found), bootstrap_samples, seed, strata) if len(found) else iter(())
    parts = [_drawn(found, areas, drawn) for drawn in weights]
    figures = {
        name: _figure(float(value[0]), np.concatenate([[], *(part[name] for part in parts)]), interval_level)
        for name, value in values.items()
    }
    figures["degree_of_bias_floor"] = Figure(mark(sampling_floor(found)))
    return {name: figures[name] for name in MEANINGS}


def sampling_floor(found: Predictions) -> float:
    """Return the degree of bias that is expected of classes of equal recall, drawn as few as they are.

    It is the root of the mean variance of a class's recall r (1 - r) / n, times (K - 1) / K.
    """
    counts = confusion(found.truth, found.predicted, found.classes)
    samples = counts.sum(axis=1)
    present = samples > 0
    if not present.any():
        return float("nan")
    recall = np.diag(counts)[present] / samples[present]
    number = int(present.sum())
    return float(np.sqrt(np.mean(recall * (1 - recall) / samples[present]) * (number - 1) / number))


def wilson(right: int, whole: int, interval_level: float = INTERVAL_LEVEL) -> tuple[Mark, Mark]:
    """Return the Wilson interval of a share, None where there is nothing. Source: Wilson, JASA 22, 1927."""
    if whole == 0:
        return None, None
    z = NormalDist().inv_cdf((1 + interval_level) / 2)
    share, width = right / whole, z * z / whole
    middle = (share + width / 2) / (1 + width)
    half = z * sqrt(share * (1 - share) / whole + width / (4 * whole)) / (1 + width)
    return 0.0 if right == 0 else middle - half, 1.0 if right == whole else middle + half


def mean_of_defined(values: Doubles) -> float:
    """Return the mean of what is defined, NaN where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _drawn(found: Predictions, areas: Areas | None, weights: Floats) -> dict[str, Doubles]:
    """Return the figures of draws with weights (n, B), each (B,)."""
    area = np.full(weights.shape[1], np.nan) if areas is None else _mean(areas.drawn(weights))
    return _figures(counted(found, weights)) | {"macro_auroc": area}


def _figures(counts: Counts) -> dict[str, Doubles]:
    """Return the figures of each draw, each (B,)."""
    precision, recall = ratio(counts.right, counts.predicted), ratio(counts.right, counts.samples)
    return {
        "accuracy": ratio(counts.right.sum(axis=1), counts.samples.sum(axis=1)),
        "macro_precision": _mean(precision),
        "macro_recall": _mean(recall),
        "macro_f1": _mean(ratio(2 * counts.right, counts.samples + counts.predicted)),
        "degree_of_bias": _spread(recall),
        "precision_std": _spread(np.nan_to_num(precision)),
        "precision_std_defined_only": _spread(precision),
    }


def _mean(values: Doubles) -> Doubles:
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1))


def _spread(values: Doubles) -> Doubles:
    """Return the population standard deviation of what is defined along the last axis."""
    known = np.isfinite(values)
    away = np.where(known, values - _mean(values)[..., None], 0)
    return np.sqrt(ratio((away**2).sum(axis=-1), known.sum(axis=-1)))


def _figure(value: float, drawn: Doubles, interval_level: float) -> Figure:
    known = drawn[np.isfinite(drawn)]
    undefined = len(drawn) - len(known)
    if not len(known):
        return Figure(mark(value), undefined=undefined)
    low, high = np.quantile(known, [(1 - interval_level) / 2, (1 + interval_level) / 2])
    return Figure(mark(value), float(low), float(high), undefined)


def in_order(figures: Mapping[str, Figure]) -> list[tuple[str, Figure]]:
    """Return figures with their names as a person reads them."""
    return [(words(name), figure) for name, figure in figures.items()]
