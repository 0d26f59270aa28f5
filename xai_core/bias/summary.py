"""A model's predictions in a few figures, each with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xai_core.bias.classes import Mark, aurocs, mark, ratio
from xai_core.bias.confusion import confusion
from xai_core.bias.predictions import Mask, Predictions
from xai_core.types import Floats, Indices

Doubles = NDArray[np.float64]
LEAST_AREAS, AREA_WORK = 50, 200_000_000  # replicates of the AUROC, which takes a sum over all pictures a class
MEANINGS = {
    "accuracy": "The share of pictures that were taken for their class. It hides small classes behind large ones.",
    "macro_precision": "The mean precision of the classes, each counted alike, never predicted ones left out.",
    "macro_recall": "The mean recall of the classes that occur, each counted alike.",
    "macro_f1": "The mean F1 of the classes, each counted alike.",
    "macro_auroc": "How well probabilities rank each class above the others, 0.5 by chance. It knows no threshold.",
    "degree_of_bias": "How far the classes' recalls lie apart (their standard deviation). It sees classes only: a "
    "model that is unfair to a colour or a group inside every class may have none.",
    "degree_of_bias_floor": "The degree of bias that chance alone brings with so few pictures a class.",
    "precision_std": "How far the classes' precisions lie apart, never predicted classes counted as 0.",
    "precision_std_defined_only": "The same without the classes that were never predicted.",
}


@dataclass(frozen=True)
class Figure:
    """A figure with its interval; None where it is not defined. undefined: the replicates in which it was not."""

    value: Mark
    low: Mark = None
    high: Mark = None
    undefined: int = 0


def summary(found: Predictions, replicates: int = 1000, level: float = 0.95, seed: int = 0) -> dict[str, Figure]:
    """Return the figures of `MEANINGS` by name, with percentile bootstrap intervals.

    replicates: times that the pictures are drawn anew, with replacement. level: share of them in the interval.
    Source: Efron, Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    values = _figures(_counted(found, [np.arange(len(found))]))
    drawn = _figures(_counted(found, _draws(found, replicates, seed)))
    figures = {name: _figure(float(one[0]), drawn[name], level) for name, one in values.items()}
    area = mean_of_defined(aurocs(found.truth, found.probabilities, found.classes))
    few = min(replicates, max(LEAST_AREAS, AREA_WORK // max(1, len(found) * found.classes)))
    figures["macro_auroc"] = _figure(area, _drawn_areas(found, few, seed), level)
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


def wilson(right: int, whole: int, z: float = 1.959963984540054) -> tuple[Mark, Mark]:
    """Return the Wilson interval of a share, None where there is nothing. Source: Wilson, JASA 1927."""
    if whole == 0:
        return None, None
    share, width = right / whole, z * z / whole
    middle = (share + width / 2) / (1 + width)
    half = z * np.sqrt(share * (1 - share) / whole + width / (4 * whole)) / (1 + width)
    return float(middle - half), float(middle + half)


def mean_of_defined(values: Doubles) -> float:
    """Return the mean of what is defined, NaN where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


@dataclass(frozen=True)
class _Counts:
    """What the figures need of a confusion matrix, for B draws of pictures: each (B, K)."""

    right: Indices
    samples: Indices
    predicted: Indices


def _counted(found: Predictions, draws: Iterable[Indices]) -> _Counts:
    """Return the counts of each draw of pictures (n,)."""
    hit = np.where(found.truth == found.predicted, found.truth, found.classes)

    def of(classes: Indices, draw: Indices) -> Indices:
        return np.bincount(classes[draw], minlength=found.classes + 1)[: found.classes]

    rows = [[of(one, draw) for one in (hit, found.truth, found.predicted)] for draw in draws]
    right, samples, predicted = np.array(rows, np.int64).reshape(-1, 3, found.classes).transpose(1, 0, 2)
    return _Counts(right, samples, predicted)


def _draws(found: Predictions, replicates: int, seed: int) -> Iterator[Indices]:
    random = np.random.default_rng(seed)
    for _ in range(replicates):
        yield random.integers(0, len(found), len(found))


def _figures(counts: _Counts) -> dict[str, Doubles]:
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


def _drawn_areas(found: Predictions, replicates: int, seed: int) -> Doubles:
    """Return the macro AUROC of each replicate, NaN where it is not defined.

    Drawing a picture several times is giving it that weight, so each class is sorted once.
    """
    if found.probabilities is None or not replicates:
        return np.full(replicates, np.nan)
    size = len(found)
    weights = np.stack([np.bincount(one, minlength=size) for one in _draws(found, replicates, seed)], dtype=np.int32)
    areas = [_weighted_area(found.truth == one, found.probabilities[:, one], weights) for one in range(found.classes)]
    return _mean(np.stack(areas, axis=1))


def _weighted_area(own: Mask, scores: Floats, weights: NDArray[np.int32]) -> Doubles:
    """Return the AUROC of one class for each row of weights (B, n): how often its pictures win, ties half."""
    order = np.argsort(scores, kind="stable")
    ranked, mine = scores[order], np.flatnonzero(own[order])
    sums = np.zeros((len(weights), len(order) + 1), np.int32)
    np.cumsum(weights[:, order], axis=1, out=sums[:, 1:])
    first, last = (np.searchsorted(ranked, ranked[mine], side) for side in ("left", "right"))
    own_weights = weights[:, order[mine]].astype(np.float64)
    inside = own_weights.sum(axis=1)
    beaten = (own_weights * (sums[:, first] + sums[:, last]) / 2).sum(axis=1)
    return ratio(beaten - inside**2 / 2, inside * (sums[:, -1] - inside))


def _figure(value: float, drawn: Doubles, level: float) -> Figure:
    known = drawn[np.isfinite(drawn)]
    undefined = len(drawn) - len(known)
    if not len(known):
        return Figure(mark(value), undefined=undefined)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Figure(mark(value), float(low), float(high), undefined)


def in_order(figures: Mapping[str, Figure]) -> list[tuple[str, Figure]]:
    """Return figures with their names as a person reads them."""
    return [(name.replace("_", " ").capitalize().replace("auroc", "AUROC"), figure) for name, figure in figures.items()]
