"""How often each group of pictures is taken for its class, whichever class that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_core.bias.classes import Mark
from xai_core.bias.groups import Rate, compared, difference, grouped, rate_of
from xai_core.bias.predictions import Predictions
from xai_core.bias.settings import Settings
from xai_core.bias.wording import natural
from xai_core.types import Texts


@dataclass(frozen=True)
class GroupAccuracy:
    """The accuracy of one group about all classes; small: whether it has too few pictures to be relied on."""

    name: str
    samples: int
    accuracy: Rate
    small: bool


@dataclass(frozen=True)
class Accuracies:
    """The accuracies of all groups, and how far those that are compared lie apart; None for fewer than two.

    least, greatest: of the compared groups. std: their population standard deviation, the degree of bias between
    groups. Source: Majumdar and others, Frontiers in Big Data, 2021, doi 10.3389/fdata.2020.590296.
    """

    groups: tuple[GroupAccuracy, ...]
    least: GroupAccuracy | None
    greatest: GroupAccuracy | None
    accuracy_difference: Mark
    accuracy_std: Mark


def accuracies(found: Predictions, groups: Texts, settings: Settings | None = None) -> Accuracies:
    """Return the accuracy of each of the groups (n,) with its Wilson interval."""
    settings = settings or Settings()
    level, minimum = settings.interval_level, settings.group_minimum
    names, numbers, counts = np.unique(groups, return_inverse=True, return_counts=True)
    right = np.bincount(numbers, found.predicted == found.truth, len(names)).astype(int)
    made = [
        GroupAccuracy(str(name), whole, rate_of(part, whole, level), whole < minimum)
        for name, part, whole in zip(names, right.tolist(), counts.tolist(), strict=True)
    ]
    made.sort(key=lambda one: natural(one.name))
    names_compared = compared(groups, minimum, settings.leave_out_small_groups)
    return _compared(made, [one for one in made if one.name in names_compared])


def widest(found: Predictions, attributes: Sequence[str], settings: Settings | None = None) -> str | None:
    """Return the attribute between whose groups accuracies lie furthest apart; None where none can be compared."""
    apart = {name: accuracies(found, grouped(found, [name]), settings).accuracy_difference for name in attributes}
    known = {name: value for name, value in apart.items() if value is not None}
    return max(known, key=lambda name: known[name]) if known else None


def _compared(groups: Sequence[GroupAccuracy], among: Sequence[GroupAccuracy]) -> Accuracies:
    if len(among) < 2:
        return Accuracies(tuple(groups), None, None, None, None)
    values = [one.accuracy.value or 0.0 for one in among]  # a group has pictures, so that its accuracy is defined
    places = sorted(range(len(among)), key=lambda place: values[place])
    least, greatest = among[places[0]], among[places[-1]]
    return Accuracies(tuple(groups), least, greatest, difference(values), float(np.std(values)))
