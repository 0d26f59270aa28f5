"""How far groups of pictures lie apart in every class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xai_core.bias.classes import Mark, mark, ratio
from xai_core.bias.groups import difference, least_ratio
from xai_core.bias.predictions import Predictions
from xai_core.bias.wording import natural
from xai_core.types import Indices, Texts


@dataclass(frozen=True)
class ClassGap:
    """How far groups lie apart in one class.

    opportunity_discrepancy: the greatest difference of recall, None where a group has no picture of the class.
    disparate_impact, demographic_parity_difference: of the shares of the groups that were taken for the class, the
    least over the greatest, and how far these lie apart. recalls, rates: by group, those that are not compared too.
    """

    label: str
    opportunity_discrepancy: Mark
    disparate_impact: Mark
    demographic_parity_difference: Mark
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


def class_gaps(found: Predictions, groups: Texts, among: Sequence[str] | None = None) -> list[ClassGap]:
    """Return for every class how far the groups (n,) lie apart, all or those `among` the compared ones."""
    names, numbers = np.unique(groups, return_inverse=True)
    hit = _table(numbers, found.truth, found.predicted == found.truth, len(names), found.classes)
    own = _table(numbers, found.truth, np.ones(len(found), bool), len(names), found.classes)
    taken = _table(numbers, found.predicted, np.ones(len(found), bool), len(names), found.classes)
    recalls, rates = ratio(hit, own), ratio(taken, np.bincount(numbers, minlength=len(names))[:, None])
    order = sorted(range(len(names)), key=lambda place: natural(str(names[place])))
    by_group = [
        [{str(names[place]): mark(table[place, one]) for place in order} for one in range(found.classes)]
        for table in (recalls, rates)
    ]
    return [_gap(label, recall, rate, among) for label, recall, rate in zip(found.labels, *by_group, strict=True)]


def _gap(label: str, recalls: dict[str, Mark], rates: dict[str, Mark], among: Sequence[str] | None) -> ClassGap:
    recall, rate = ([one[name] for name in one if among is None or name in among] for one in (recalls, rates))
    return ClassGap(label, difference(recall), least_ratio(rate), difference(rate), recalls, rates)


def all_gaps(gaps: Sequence[ClassGap]) -> AllGaps:
    """Return the gaps of all classes in three figures."""
    discrepancies = [one.opportunity_discrepancy for one in gaps if one.opportunity_discrepancy is not None]
    impacts = [one.disparate_impact for one in gaps if one.disparate_impact is not None]
    apart = [found for one in gaps if (found := one.demographic_parity_difference) is not None]
    return AllGaps(
        opportunity_discrepancy=sum(discrepancies) / len(discrepancies) if discrepancies else None,
        disparate_impact=min(impacts, default=None),
        demographic_parity_difference=max(apart, default=None),
    )


def most_apart(gaps: Sequence[ClassGap]) -> int:
    """Return the class that is looked at where none was chosen: the second of two, or else where shares differ most."""
    if len(gaps) == 2:
        return 1
    return max(range(len(gaps)), key=lambda one: (gaps[one].demographic_parity_difference or 0.0, -one))


def impact_ratios(gap: ClassGap, privileged: str) -> dict[str, Mark]:
    """Return each group's share that was taken for the class, over that of the privileged group; it may exceed 1."""
    whole = gap.rates[privileged]
    return {
        name: None if rate is None or not whole else rate / whole
        for name, rate in gap.rates.items()
        if name != privileged
    }


def _table(groups: Indices, classes: Indices, which: Any, rows: int, columns: int) -> Indices:
    return np.bincount((groups * columns + classes)[which], minlength=rows * columns).reshape(rows, columns)
