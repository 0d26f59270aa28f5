"""Split pictures into groups: by one attribute, or by two crossed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xai_core.bias.predictions import Predictions
from xai_core.bias.settings import NOTHING, Settings
from xai_core.errors import DataError
from xai_core.types import Texts
from xai_core.wording import natural

CROSSED = " × "
UNKNOWN = "(missing)"  # the group of pictures without a value


def attribute(predictions: Predictions, name: str) -> Texts:
    """Return the values of an attribute (n,), "" where unknown. Raises DataError if there is no such attribute."""
    if name not in predictions.attributes:
        known = ", ".join(predictions.attributes) or "none"
        raise DataError(f"The table has no attribute named {name!r}. Its attributes: {known}.")
    return predictions.attributes[name]


def strata(predictions: Predictions, name: str) -> Texts | None:
    """Return the attribute values (n,) that stratify the bootstrap; None for `NOTHING`.

    Raises DataError if there is no such attribute.
    """
    return None if name == NOTHING else attribute(predictions, name)


def values_of(predictions: Predictions) -> dict[str, list[str]]:
    """Return the values of each attribute in natural order, by the attribute's name."""
    return {
        name: [value or UNKNOWN for value in sorted(set(values.tolist()), key=natural)]
        for name, values in predictions.attributes.items()
    }


def grouped(predictions: Predictions, attributes: Sequence[str]) -> Texts:
    """Return the group of each picture (n,), by one attribute or two crossed.

    Raises DataError if there is no such attribute, or only one group.
    """
    columns = [np.where((own := attribute(predictions, name)) == "", UNKNOWN, own) for name in attributes]
    groups = columns[0].astype(str)
    for column in columns[1:]:
        groups = np.char.add(np.char.add(groups, CROSSED), column.astype(str))
    if len(np.unique(groups)) < 2:
        only = str(groups[0]) if len(groups) else "none"
        raise DataError(
            f"{CROSSED.join(attributes)} has only one value here, {only!r}, so there are no groups to compare. Choose "
            "a different attribute, or fewer filters."
        )
    return np.asarray(groups, np.str_)


def compared(groups: Texts, settings: Settings | None = None) -> tuple[str, ...]:
    """Return the names of the groups (n,) that are compared, in natural order.

    With `leave_out_small_groups` these are the groups of at least `group_minimum` pictures, otherwise all. Pictures
    without a value are no group of people or things, so they are only compared with `compare_missing`.
    """
    settings = settings or Settings()
    names, counts = np.unique(groups, return_counts=True)
    kept = names[counts >= settings.group_minimum] if settings.leave_out_small_groups else names
    known = [name for name in map(str, kept) if settings.compare_missing or not is_missing(name)]
    return tuple(sorted(known, key=natural))


def is_missing(group: str) -> bool:
    """Whether a group, of one attribute or two crossed, contains pictures without a value."""
    return UNKNOWN in group.split(CROSSED)
