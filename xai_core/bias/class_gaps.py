"""Compare groups class by class, each class against the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xai_core.bias import group_metrics as _registered  # noqa: F401  (registers them)
from xai_core.bias.group_counts import Counts, GroupCounts
from xai_core.bias.group_metric import GroupMetric, class_comparisons, class_metrics
from xai_core.bias.predictions import Predictions
from xai_core.bias.values import Value, defined, ratio
from xai_core.types import Texts


@dataclass(frozen=True)
class ClassGap:
    """How far the compared groups differ in one class.

    between: each class comparison's number by its id, None where undefined. by_group: for each compared metric, by
    id, the rate of every group, those that are not compared included.
    """

    label: str
    between: dict[str, Value]
    by_group: dict[str, dict[str, Value]]


def class_gaps(predictions: Predictions, groups: Texts, compared: Sequence[str] | None = None) -> list[ClassGap]:
    """Return for every class how far groups (n,) differ: all of them, or those named in `compared`."""
    counts = GroupCounts(predictions, groups)
    tables = {metric.id: _by_class(metric, counts.all_classes, counts.names) for metric in class_metrics()}
    names = counts.names if compared is None else [name for name in counts.names if name in compared]
    return [
        _gap(label, {metric: rates[number] for metric, rates in tables.items()}, names)
        for number, label in enumerate(predictions.labels)
    ]


def summarised(gaps: Sequence[ClassGap]) -> dict[str, Value]:
    """Return one number over all classes for each class comparison, by its id; None if no class has one."""
    numbers = {
        each.id: [number for gap in gaps if (number := gap.between[each.id]) is not None]
        for _, each in class_comparisons()
    }
    return {each.id: each.summarise(numbers[each.id]) if numbers[each.id] else None for _, each in class_comparisons()}


def most_uneven_class(gaps: Sequence[ClassGap]) -> int:
    """Return the class to compare first: the second of two, else the one whose selection rate differs most."""
    if len(gaps) == 2:
        return 1
    return max(range(len(gaps)), key=lambda n: (gaps[n].between["demographic_parity_difference"] or 0.0, -n))


def _gap(label: str, rates: Mapping[str, dict[str, Value]], compared: Sequence[str]) -> ClassGap:
    values = {metric: [by_group[name] for name in compared] for metric, by_group in rates.items()}
    between = {each.id: each.compare(values[metric.id]) for metric, each in class_comparisons()}
    return ClassGap(label, between, dict(rates))


def _by_class(metric: GroupMetric, counts: Counts, names: Sequence[str]) -> list[dict[str, Value]]:
    """Return the rate of each group by its name, for every class."""
    rates = ratio(*metric.share(counts))
    return [{name: defined(rate) for name, rate in zip(names, column, strict=True)} for column in rates.T]
