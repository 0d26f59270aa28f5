"""What differs between groups of pictures: by one attribute, or by two crossed.

Figures are those of fairlearn's MetricFrame for one class against all others. A figure that is not defined for a group,
as the recall where it has no picture of the class, is None, and so is whatever compares it between groups: what is not
known of one group may be the least or the greatest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fairlearn.metrics import MetricFrame

from xai_core.bias.classes import Mark, mark, ratio
from xai_core.bias.predictions import Mask, Predictions, Texts
from xai_core.bias.settings import GROUP_MINIMUM, INTERVAL_LEVEL, NOTHING
from xai_core.bias.summary import wilson
from xai_core.errors import DataError
from xai_core.types import Indices

FOUR_FIFTHS = 0.8  # 29 CFR 1607.4(D)
RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "positive_predictive_value", "accuracy")
CROSSED = " × "
UNKNOWN = "not known"


@dataclass(frozen=True)
class Rate:
    """A share with its Wilson interval, None where the group has nothing to count."""

    value: Mark
    low: Mark
    high: Mark


@dataclass(frozen=True)
class Group:
    """The rates of one group by their names; small: whether it has too few pictures to be relied on."""

    name: str
    samples: int
    rates: dict[str, Rate]
    small: bool


@dataclass(frozen=True)
class Fairness:
    """How far groups lie apart for one class; differences and ratios of the greatest and the least rate.

    They are None where the rate is not defined for a group: recall without pictures of the class, false positive rate
    without others, positive predictive value where nothing was taken for the class.

    disparate_impact: the least selection rate over the greatest; below four fifths it counts as adverse.
    accuracy_std: population standard deviation of the groups' accuracies, the degree of bias between groups.
    undefined: by rate, the groups for which it is not defined.
    """

    groups: tuple[Group, ...]
    demographic_parity_difference: Mark
    demographic_parity_ratio: Mark
    equal_opportunity_difference: Mark
    equal_opportunity_ratio: Mark
    equalized_odds_difference: Mark
    equalized_odds_difference_mean: Mark
    equalized_odds_ratio: Mark
    predictive_parity_difference: Mark
    accuracy_difference: Mark
    accuracy_std: Mark
    undefined: dict[str, tuple[str, ...]]

    @property
    def disparate_impact(self) -> Mark:
        return self.demographic_parity_ratio

    @property
    def four_fifths(self) -> bool | None:
        """Whether the four-fifths rule holds; None where that can not be said."""
        return None if self.disparate_impact is None else round(self.disparate_impact, 12) >= FOUR_FIFTHS


@dataclass(frozen=True)
class ClassGap:
    """How far groups lie apart in one class.

    opportunity_discrepancy: the greatest difference of recall, None where a group has no picture of the class.
    disparate_impact: least over greatest share of a group
    that was taken for the class. recalls, rates: by group.
    """

    label: str
    opportunity_discrepancy: Mark
    disparate_impact: Mark
    recalls: dict[str, Mark]
    rates: dict[str, Mark]


@dataclass(frozen=True)
class AllGaps:
    """The gaps of all classes in three figures; None where no class has one.

    opportunity_discrepancy: their mean. disparate_impact: of the class where it is least.
    demographic_parity_difference: the greatest difference between the shares of two groups taken for one class.
    """

    opportunity_discrepancy: Mark
    disparate_impact: Mark
    demographic_parity_difference: Mark


def attribute(found: Predictions, name: str) -> Texts:
    """Return the values of an attribute (n,), "" where it is not known. Raises DataError where there is no such."""
    if name not in found.attributes:
        known = ", ".join(found.attributes) or "none"
        raise DataError(f"There is no attribute called {name!r}; the table has {known}.")
    return found.attributes[name]


def strata(found: Predictions, name: str) -> Texts | None:
    """Return the values (n,) of the attribute that bootstrap samples are stratified by; None for `NOTHING`.

    Raises DataError where there is no such attribute.
    """
    return None if name == NOTHING else attribute(found, name)


def grouped(found: Predictions, attributes: Sequence[str]) -> Texts:
    """Return the group of each picture (n,), by one attribute or two crossed.

    Raises DataError where there is no such attribute, or only one group.
    """
    values = [attribute(found, name) for name in attributes]
    columns = [np.where(one == "", UNKNOWN, one) for one in values]
    names = columns[0]
    for column in columns[1:]:
        names = np.char.add(np.char.add(names.astype(str), CROSSED), column.astype(str))
    if len(np.unique(names)) < 2:
        only = str(names[0]) if len(names) else "none"
        raise DataError(
            f"{CROSSED.join(attributes)} has one value only, {only!r}, so there are no groups to compare; choose "
            "another attribute, or fewer filters."
        )
    return np.asarray(names, np.str_)


def fairness(
    found: Predictions,
    groups: Texts,
    positive: int,
    group_minimum: int = GROUP_MINIMUM,
    interval_level: float = INTERVAL_LEVEL,
) -> Fairness:
    """Return how far groups (n,) lie apart for the class `positive` against all others.

    group_minimum: pictures that a group needs not to be called small. interval_level: of the Wilson intervals.
    """
    truth, predicted = found.truth == positive, found.predicted == positive
    counts = _frame(truth, predicted, groups)
    named = tuple(_group(name, counts[name], group_minimum, interval_level) for name in sorted(counts))
    values = {rate: [one.rates[rate].value for one in named] for rate in RATES}
    apart = {rate: difference(values[rate]) for rate in RATES}
    odds = (apart["true_positive_rate"], apart["false_positive_rate"])
    shares = (least_ratio(values["true_positive_rate"]), least_ratio(values["false_positive_rate"]))
    return Fairness(
        groups=named,
        demographic_parity_difference=apart["selection_rate"],
        demographic_parity_ratio=least_ratio(values["selection_rate"]),
        equal_opportunity_difference=apart["true_positive_rate"],
        equal_opportunity_ratio=shares[0],
        equalized_odds_difference=_of_both(odds, max),
        equalized_odds_difference_mean=_of_both(odds, lambda both: sum(both) / 2),
        equalized_odds_ratio=_of_both(shares, min),
        predictive_parity_difference=apart["positive_predictive_value"],
        accuracy_difference=apart["accuracy"],
        accuracy_std=_spread(values["accuracy"]),
        undefined={rate: names for rate in RATES if (names := _without(named, rate))},
    )


def class_gaps(found: Predictions, groups: Texts) -> list[ClassGap]:
    """Return for every class how far the groups (n,) lie apart."""
    names, numbers = np.unique(groups, return_inverse=True)
    hit = _table(numbers, found.truth, found.predicted == found.truth, len(names), found.classes)
    own = _table(numbers, found.truth, np.ones(len(found), bool), len(names), found.classes)
    taken = _table(numbers, found.predicted, np.ones(len(found), bool), len(names), found.classes)
    recalls, rates = ratio(hit, own), ratio(taken, np.bincount(numbers, minlength=len(names))[:, None])
    gaps = []
    for one, label in enumerate(found.labels):
        recall, rate = (
            {str(n): mark(v) for n, v in zip(names, table[:, one], strict=True)} for table in (recalls, rates)
        )
        gaps.append(ClassGap(label, difference(recall.values()), least_ratio(rate.values()), recall, rate))
    return gaps


def all_gaps(gaps: Sequence[ClassGap]) -> AllGaps:
    """Return the gaps of all classes in three figures."""
    discrepancies = [one.opportunity_discrepancy for one in gaps if one.opportunity_discrepancy is not None]
    impacts = [one.disparate_impact for one in gaps if one.disparate_impact is not None]
    apart = [found for one in gaps if (found := difference(one.rates.values())) is not None]
    return AllGaps(
        opportunity_discrepancy=sum(discrepancies) / len(discrepancies) if discrepancies else None,
        disparate_impact=min(impacts, default=None),
        demographic_parity_difference=max(apart, default=None),
    )


def impact_ratios(gap: ClassGap, privileged: str) -> dict[str, Mark]:
    """Return each group's share that was taken for the class, over that of the privileged group; it may exceed 1."""
    whole = gap.rates[privileged]
    return {
        name: None if rate is None or not whole else rate / whole
        for name, rate in gap.rates.items()
        if name != privileged
    }


def difference(values: Any) -> Mark:
    """Return how far the greatest and the least lie apart; None for fewer than two, or where one is not defined."""
    known = _all_known(values)
    return max(known) - min(known) if known else None


def least_ratio(values: Any) -> Mark:
    """Return the least over the greatest; None for fewer than two, where one is not defined, or all are nought."""
    known = _all_known(values)
    return min(known) / max(known) if known and max(known) > 0 else None


def _all_known(values: Any) -> list[float]:
    """Return two values or more, or nothing where one of them is not defined."""
    whole = list(values)
    return [] if None in whole or len(whole) < 2 else whole


def _frame(truth: Mask, predicted: Mask, groups: Texts) -> dict[str, dict[str, int]]:
    """Return for each group how many pictures there are, are positive, are taken for it, and both.

    Pictures of the same group, class and prediction are one row with a weight, as a frame takes its time a row.
    """
    names, numbers = np.unique(groups, return_inverse=True)
    kinds, weights = np.unique(numbers * 4 + truth * 2 + predicted, return_counts=True)
    metrics: dict[str, Callable[..., int]] = {
        "samples": lambda true, guessed, weight: int(np.sum(weight)),
        "positive": lambda true, guessed, weight: int(np.sum(weight[true])),
        "taken": lambda true, guessed, weight: int(np.sum(weight[guessed])),
        "hit": lambda true, guessed, weight: int(np.sum(weight[true & guessed])),
    }
    frame = MetricFrame(
        metrics=metrics,
        y_true=kinds // 2 % 2 == 1,
        y_pred=kinds % 2 == 1,
        sensitive_features=names[kinds // 4],
        sample_params={name: {"weight": weights} for name in metrics},
    )
    return {str(name): {key: int(row[key]) for key in metrics} for name, row in frame.by_group.iterrows()}


def _group(name: str, counts: dict[str, int], group_minimum: int, interval_level: float) -> Group:
    samples, positive, taken, hit = (counts[key] for key in ("samples", "positive", "taken", "hit"))
    right = hit + samples - positive - taken + hit
    pairs = ((taken, samples), (hit, positive), (taken - hit, samples - positive), (hit, taken), (right, samples))
    rates = {rate: _rate(*pair, interval_level) for rate, pair in zip(RATES, pairs, strict=True)}
    return Group(name, samples, rates, samples < group_minimum)


def _rate(part: int, whole: int, interval_level: float) -> Rate:
    return Rate(part / whole if whole else None, *wilson(part, whole, interval_level))


def _without(groups: Sequence[Group], rate: str) -> tuple[str, ...]:
    return tuple(one.name for one in groups if one.rates[rate].value is None)


def _spread(values: Sequence[Mark]) -> Mark:
    known = [value for value in values if value is not None]
    return float(np.std(known)) if len(known) > 1 else None


def _of_both(both: tuple[Mark, Mark], combine: Callable[[list[float]], float]) -> Mark:
    known = [one for one in both if one is not None]
    return combine(known) if len(known) == 2 else None


def _table(groups: Indices, classes: Indices, which: Any, rows: int, columns: int) -> Indices:
    return np.bincount((groups * columns + classes)[which], minlength=rows * columns).reshape(rows, columns)
