"""Compare groups of pictures by every declared group metric.

Values are those of fairlearn's MetricFrame, and a test holds them to it. A rate is None where it is undefined for a
group, such as recall without a picture of the class, and so is every comparison that uses it. Groups with too few
pictures can be left out of the comparisons, since chance alone often makes them the lowest or the highest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xai_core.bias import group_metrics as _registered  # noqa: F401  (registers them)
from xai_core.bias.group_counts import Counts, GroupCounts
from xai_core.bias.group_metric import Comparison, GroupMetric, Scope, comparisons, metrics_of
from xai_core.bias.groups import compared, grouped, is_missing
from xai_core.bias.predictions import Predictions
from xai_core.bias.rates import Rate, rate_of
from xai_core.bias.settings import Settings
from xai_core.bias.values import Value, defined, ratio
from xai_core.types import Texts


@dataclass(frozen=True)
class Group:
    """One group of pictures: its rates by metric id, and whether it has too few pictures to be reliable."""

    name: str
    pictures: int
    rates: dict[str, Rate]
    small: bool


@dataclass(frozen=True)
class GroupComparison:
    """All groups, and how the compared ones differ.

    left_out: groups that are not compared, being too small or without a value. between: each comparison's number by
    its id, None where undefined. undefined: by metric id, the compared groups that lack the rate.
    """

    groups: tuple[Group, ...]
    left_out: tuple[str, ...]
    between: dict[str, Value]
    undefined: dict[str, tuple[str, ...]]

    @property
    def compared(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.name not in self.left_out)

    @property
    def missing(self) -> list[str]:
        """The groups of pictures without a value that are not compared."""
        return [name for name in self.left_out if is_missing(name)]

    @property
    def small(self) -> list[str]:
        return [group.name for group in self.groups if group.small]

    def extremes(self, metric: str) -> tuple[Group, Group] | None:
        """Return the compared groups with the lowest and the highest rate; None for fewer than two."""
        if len(self.compared) < 2:
            return None
        ranked = sorted(self.compared, key=lambda group: group.rates[metric].value or 0.0)
        return ranked[0], ranked[-1]

    def is_adverse(self, comparison: Comparison) -> bool | None:
        """Whether a comparison counts as adverse impact; None if it is undefined or has no such limit."""
        return comparison.is_adverse(self.between[comparison.id])


def compare_groups(
    predictions: Predictions, groups: Texts, positive: int, settings: Settings | None = None
) -> GroupComparison:
    """Compare groups (n,): accuracy about all classes, other rates about the class `positive` against the rest."""
    settings = settings or Settings()
    counts = GroupCounts(predictions, groups)
    by_scope = {"all classes": counts.all_classes, "one class": counts.of_class(positive)}
    rates = {m.id: _rates(m, by_scope[m.scope], settings) for m in metrics_for(predictions)}
    pictures = counts.all_classes.pictures[:, 0].astype(int).tolist()
    members = [
        Group(
            name, pictures[n], {metric: each[n] for metric, each in rates.items()}, pictures[n] < settings.group_minimum
        )
        for n, name in enumerate(counts.names)
    ]
    return _comparison(members, compared(groups, settings), list(rates))


def metrics_for(predictions: Predictions, scope: Scope | None = None) -> list[GroupMetric]:
    """Return the metrics, of one scope or both, that these predictions have what they need for."""
    scopes: tuple[Scope, ...] = ("all classes", "one class") if scope is None else (scope,)
    probabilities = predictions.probabilities is not None
    return [metric for each in scopes for metric in metrics_of(each, probabilities=probabilities)]


def widest(predictions: Predictions, attributes: Sequence[str], settings: Settings | None = None) -> str | None:
    """Return the attribute whose groups differ most in accuracy; None if none has groups to compare."""
    gaps = {
        name: compare_groups(predictions, grouped(predictions, [name]), 0, settings).between["accuracy_difference"]
        for name in attributes
    }
    known = {name: gap for name, gap in gaps.items() if gap is not None}
    return max(known, key=lambda name: known[name]) if known else None


def _rates(metric: GroupMetric, counts: Counts, settings: Settings) -> list[Rate]:
    """Return the rate of each group."""
    parts, wholes = metric.share(counts)
    if metric.needs_probabilities:
        return [Rate(defined(value)) for value in ratio(parts, wholes)]
    pairs = zip(parts.tolist(), wholes.tolist(), strict=True)
    return [rate_of(part, whole, settings.interval_level) for part, whole in pairs]


def _comparison(groups: Sequence[Group], names: Sequence[str], metrics: Sequence[str]) -> GroupComparison:
    kept = [group for group in groups if group.name in names]
    rates = {metric: [group.rates[metric].value for group in kept] for metric in metrics}
    lacking = {metric: tuple(group.name for group in kept if group.rates[metric].value is None) for metric in metrics}
    return GroupComparison(
        groups=tuple(groups),
        left_out=tuple(group.name for group in groups if group not in kept),
        between={each.id: each.of(rates) for each in comparisons() if set(each.metrics) <= set(metrics)},
        undefined={metric: missing for metric, missing in lacking.items() if missing},
    )
