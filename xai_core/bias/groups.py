"""What differs between groups of pictures: by one attribute, or by two crossed.

Figures are those of fairlearn's MetricFrame for one class against all others. A figure that is not defined for a group,
as the recall where it has no picture of the class, is None, and so is whatever compares it between groups: what is not
known of one group may be the least or the greatest. Groups with too few pictures to be relied on are left out of what
compares groups where that is asked for, since chance alone makes them the least or the greatest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fairlearn.metrics import MetricFrame

from xai_core.bias.classes import Mark
from xai_core.bias.predictions import Mask, Predictions
from xai_core.bias.settings import GROUP_MINIMUM, INTERVAL_LEVEL, LEAVE_OUT_SMALL, NOTHING
from xai_core.bias.summary import wilson
from xai_core.bias.wording import natural
from xai_core.errors import DataError
from xai_core.types import Texts

FOUR_FIFTHS = 0.8  # 29 CFR 1607.4(D)
RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "positive_predictive_value")
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
    """The rates of one group by their names, of one class against all others.

    small: whether it has too few pictures to be relied on.
    """

    name: str
    samples: int
    rates: dict[str, Rate]
    small: bool


@dataclass(frozen=True)
class Fairness:
    """How far groups lie apart for one class; differences and ratios of the greatest and the least rate.

    They are None where the rate is not defined for a group: recall without pictures of the class, false positive rate
    without others, positive predictive value where nothing was taken for the class; or where there are no two groups.

    left_out: the groups that were too small to be compared. disparate_impact: the least selection rate over the
    greatest; below four fifths it counts as adverse. undefined: by rate, the compared groups for which it is not
    defined.
    """

    groups: tuple[Group, ...]
    left_out: tuple[str, ...]
    demographic_parity_difference: Mark
    demographic_parity_ratio: Mark
    equal_opportunity_difference: Mark
    equal_opportunity_ratio: Mark
    equalized_odds_difference: Mark
    equalized_odds_difference_mean: Mark
    equalized_odds_ratio: Mark
    predictive_parity_difference: Mark
    undefined: dict[str, tuple[str, ...]]

    @property
    def disparate_impact(self) -> Mark:
        return self.demographic_parity_ratio

    @property
    def four_fifths(self) -> bool | None:
        """Whether the four-fifths rule holds; None where that can not be said."""
        return None if self.disparate_impact is None else round(self.disparate_impact, 12) >= FOUR_FIFTHS


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


def compared(groups: Texts, group_minimum: int = GROUP_MINIMUM, leave_out: bool = LEAVE_OUT_SMALL) -> tuple[str, ...]:
    """Return the names of the groups (n,) that are compared, in their order: all, or those with enough pictures."""
    names, counts = np.unique(groups, return_counts=True)
    enough = names[counts >= group_minimum] if leave_out else names
    return tuple(sorted(map(str, enough), key=natural))


def fairness(
    found: Predictions,
    groups: Texts,
    positive: int,
    group_minimum: int = GROUP_MINIMUM,
    interval_level: float = INTERVAL_LEVEL,
    leave_out: bool = LEAVE_OUT_SMALL,
) -> Fairness:
    """Return how far groups (n,) lie apart for the class `positive` against all others.

    group_minimum: pictures that a group needs not to be called small. interval_level: of the Wilson intervals.
    leave_out: whether small groups take no part in what compares groups.
    """
    counts = _frame(found.truth == positive, found.predicted == positive, groups)
    named = [_group(name, counts[name], group_minimum, interval_level) for name in sorted(counts, key=natural)]
    among = set(compared(groups, group_minimum, leave_out))
    return _fairness(named, [one for one in named if one.name in among])


def _fairness(groups: Sequence[Group], among: Sequence[Group]) -> Fairness:
    """Return how far those groups lie apart that are `among` the compared ones."""
    values = {rate: [one.rates[rate].value for one in among] for rate in RATES}
    apart = {rate: difference(values[rate]) for rate in RATES}
    odds = (apart["true_positive_rate"], apart["false_positive_rate"])
    shares = (least_ratio(values["true_positive_rate"]), least_ratio(values["false_positive_rate"]))
    return Fairness(
        groups=tuple(groups),
        left_out=tuple(one.name for one in groups if one not in among),
        demographic_parity_difference=apart["selection_rate"],
        demographic_parity_ratio=least_ratio(values["selection_rate"]),
        equal_opportunity_difference=apart["true_positive_rate"],
        equal_opportunity_ratio=shares[0],
        equalized_odds_difference=_of_both(odds, max),
        equalized_odds_difference_mean=_of_both(odds, lambda both: sum(both) / 2),
        equalized_odds_ratio=_of_both(shares, min),
        predictive_parity_difference=apart["positive_predictive_value"],
        undefined={rate: names for rate in RATES if (names := _without(among, rate))},
    )


def rate_of(part: int, whole: int, interval_level: float = INTERVAL_LEVEL) -> Rate:
    """Return a share with its Wilson interval."""
    return Rate(part / whole if whole else None, *wilson(part, whole, interval_level))


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
    pairs = ((taken, samples), (hit, positive), (taken - hit, samples - positive), (hit, taken))
    rates = {rate: rate_of(*pair, interval_level) for rate, pair in zip(RATES, pairs, strict=True)}
    return Group(name, samples, rates, samples < group_minimum)


def _without(groups: Sequence[Group], rate: str) -> tuple[str, ...]:
    return tuple(one.name for one in groups if one.rates[rate].value is None)


def _of_both(both: tuple[Mark, Mark], combine: Callable[[list[float]], float]) -> Mark:
    known = [one for one in both if one is not None]
    return combine(known) if len(known) == 2 else None
