"""Declare group metrics: rates that are compared between groups of pictures.

A metric is declared once, in one file of `xai_core/bias/group_metrics`. Tables, charts, tooltips, the HTML report,
metrics.json, the CSV tables and the docs are read from that declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xai_core.bias.comparing import Compare
from xai_core.bias.group_counts import Counts
from xai_core.bias.values import Value
from xai_core.types import Doubles

Scope = Literal["one class", "all classes"]
Direction = Literal["higher is better", "lower is better", "neither"]
Share = tuple[Doubles, Doubles]  # numerator and denominator, one of each a group


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One number that compares a metric, or several, between groups.

    id: its name in metrics.json and the CSV tables. meaning: one or two plain sentences for the tables. formula: how
    it is computed from the metric. metrics: the ids of the metrics that it compares. compare: turns the groups' values
    of one metric into one number. combine: turns the numbers of several metrics into one. adverse_below: the value
    below which it counts as adverse impact.
    """

    id: str
    title: str
    meaning: str
    formula: str
    metrics: tuple[str, ...]
    compare: Compare
    combine: Callable[[Sequence[float]], float] = max
    adverse_below: float | None = None

    def of(self, rates: Mapping[str, Sequence[Value]]) -> Value:
        """Return the number for the groups' values of each metric, by id; None if one of them is undefined."""
        numbers = [self.compare(rates[metric]) for metric in self.metrics]
        defined = [number for number in numbers if number is not None]
        return self.combine(defined) if len(defined) == len(numbers) else None

    def is_adverse(self, number: Value) -> bool | None:
        """Whether a number counts as adverse impact; None if that is undefined."""
        if number is None or self.adverse_below is None:
            return None
        return round(number, 12) < self.adverse_below  # 0.24 / 0.3 is 0.7999999999999999


@dataclass(frozen=True, kw_only=True)
class ClassComparison:
    """One number a class that compares a metric between groups, and its summary over all classes.

    meaning: of the number of one class. compare: as in `Comparison`. summarise: turns the numbers of all classes into
    one. summary_meaning: what that one says. worst: which end of the scale is listed and drawn first.
    """

    id: str
    title: str
    meaning: str
    compare: Compare
    summarise: Callable[[Sequence[float]], float]
    summary_meaning: str
    worst: Literal["highest", "lowest"] = "highest"
    adverse_below: float | None = None


@dataclass(frozen=True, kw_only=True)
class GroupMetric:
    """A rate of each group of pictures, with a Wilson interval.

    id: its name in metrics.json and the CSV tables. meaning: one plain clause for tooltips. formula: in TP, FP, FN and
    TN. direction: which way is better for the group. share: returns numerator and denominator for each group from the
    counts of one class against the rest, arrays of any one shape, or of all classes, (groups, classes).
    scope: which of the two. undefined: why a group can lack the rate. needs_probabilities: whether `share` reads
    `Counts.probability`; such a metric is a mean rather than a share of pictures, so it has no interval.
    comparisons, class_comparisons: how it is compared between groups. order: its place in tables, lowest first.
    """

    id: str
    title: str
    meaning: str
    formula: str
    direction: Direction
    share: Callable[[Counts], Share]
    undefined: str
    scope: Scope = "one class"
    needs_probabilities: bool = False
    comparisons: tuple[Comparison, ...] = ()
    class_comparisons: tuple[ClassComparison, ...] = ()
    order: int = 100

    def __post_init__(self) -> None:
        if self.needs_probabilities and (self.scope == "all classes" or self.class_comparisons):
            raise ValueError(f"{self.id!r} needs probabilities, which are counted for one class at a time.")


GROUP_METRICS: dict[str, GroupMetric] = {}


def register(metric: GroupMetric) -> GroupMetric:
    """Enter a metric in `GROUP_METRICS`. Raises ValueError if one of its ids is taken."""
    taken = {*GROUP_METRICS, *(comparison.id for comparison in comparisons())}
    ids = (metric.id, *(comparison.id for comparison in metric.comparisons))
    if twice := taken.intersection(ids):
        raise ValueError(f"Two group metrics or comparisons have the id {min(twice)!r}.")
    GROUP_METRICS[metric.id] = metric
    return metric


def metrics_of(scope: Scope, *, probabilities: bool = True) -> list[GroupMetric]:
    """Return the metrics of a scope in table order, without `probabilities` only those that need none."""
    offered = [
        metric
        for metric in GROUP_METRICS.values()
        if metric.scope == scope and (probabilities or not metric.needs_probabilities)
    ]
    return sorted(offered, key=lambda metric: (metric.order, metric.title))


def comparisons(scope: Scope | None = None) -> list[Comparison]:
    """Return the comparisons of a scope, or all of them, in table order."""
    ordered = sorted(GROUP_METRICS.values(), key=lambda metric: (metric.order, metric.title))
    chosen = [metric for metric in ordered if scope in (None, metric.scope)]
    return [comparison for metric in chosen for comparison in metric.comparisons]


def class_comparisons() -> list[tuple[GroupMetric, ClassComparison]]:
    """Return each class-by-class comparison with its metric, in table order."""
    return [(metric, each) for metric in metrics_of("one class") for each in metric.class_comparisons]


def class_metrics() -> list[GroupMetric]:
    """Return the metrics that are compared class by class, in table order."""
    return [metric for metric in metrics_of("one class") if metric.class_comparisons]
