"""Read the probabilities and logits of a table of predictions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.bias.numbers import PER_CENT, Column, has_percent_signs, is_mostly_numbers, numbers_of
from xai_core.bias.table_files import HEAD, Table
from xai_core.errors import DataError
from xai_core.types import Doubles, Floats

PROBABILITY = re.compile(r"(?:prob|proba|p|score)[_ ](.+)")
SUM_TOLERANCE = 1e-3
ROUNDING, MOST_ROUNDING = 6e-4, 0.02  # of a percentage with one decimal; of all classes together
SEVERAL = (
    " If several labels may be right at once (sigmoid), do not normalise: judge each label by a table of its own, with "
    "y_true and y_pred present or absent."
)


def scores_of(table: Table, known: tuple[str, ...], used: set[str], *, percent: bool = False) -> dict[str, Column]:
    """Return the columns of probabilities by class: prob_cat and the like, or plain cat for every known class.

    percent: whether they are percentages; those with a percent sign always are.
    """
    if table.probabilities is not None:
        return {}
    named = _names_of_scores(table, known, used) if table.scores is None else table.scores
    used |= set(named.values())
    return {label: _shares(table.columns[name], percent) for label, name in named.items()}


def are_rounded(table: Table, used: Iterable[str]) -> bool:
    """Whether one of these columns holds percentages with a sign, which are rounded."""
    return any(has_percent_signs(table.columns[name]) for name in used)


def with_the_other_class(scores: dict[str, Column], classes: list[str]) -> dict[str, Column]:
    """Add the probability of the second of two classes, 1 minus that of the first, if there is only one column."""
    if len(scores) != 1 or len(classes) != 2 or not set(scores) <= set(classes):
        return scores
    return {label: scores[label] if label in scores else 1 - next(iter(scores.values())) for label in classes}


def _names_of_scores(table: Table, known: tuple[str, ...], used: set[str]) -> dict[str, str]:
    free = {name: column for name, column in table.columns.items() if name not in used}
    matches = {name: match for name in free if (match := PROBABILITY.fullmatch(name))}
    named = {match[1]: name for name, match in matches.items() if is_mostly_numbers(free[name])}
    if named or len(known) < 2 or not all(label in free and is_mostly_numbers(free[label]) for label in known):
        return named
    return {label: label for label in free if label in known}


def _shares(column: Column, percent: bool) -> Column:
    return numbers_of(column) / (PER_CENT if percent and not has_percent_signs(column) else 1)


def whole(scores: Mapping[str, Column], probabilities: NDArray[Any] | None, labels: tuple[str, ...]) -> Doubles | None:
    """Return the probabilities as they came, (n, K)."""
    if probabilities is not None:
        if probabilities.shape[1] != len(labels):
            raise DataError(
                f"Each row has {probabilities.shape[1]} probabilities, but there are {len(labels)} classes."
            )
        return probabilities.astype(np.float64)
    if not scores:
        return None
    if lacking := [label for label in labels if label not in scores]:
        first = lacking[0][:40]
        raise DataError(f"There are probabilities for {len(scores)} classes, but none for {first!r}. Add prob_{first}.")
    if foreign := [label for label in scores if label not in labels]:
        raise DataError(
            f"There are probabilities for {foreign[0][:40]!r}, which is not among the {len(labels)} classes."
        )
    return np.stack([scores[label] for label in labels], axis=1)


def probabilities_of(raw: Doubles, normalise: bool, notes: list[str], *, rounded: bool = False) -> Floats:
    """Return probabilities that add up to 1 in each row; DataError if they do not and should not be normalised.

    rounded: whether they were percentages; rows that add up to about 1 are then normalised.
    """
    if (broken := ~np.isfinite(raw).all(axis=1) | (raw < 0).any(axis=1)).any():
        raise DataError(f"Row {int(np.argmax(broken)) + 1} has a probability that is negative or not a number. Fix it.")
    sums = raw.sum(axis=1)
    if not (wrong := np.abs(sums - 1) > SUM_TOLERANCE).any():
        return raw.astype(np.float32)
    if (empty := sums <= 0).any():
        raise DataError(f"The probabilities of row {int(np.argmax(empty)) + 1} are all 0. Fix them.")
    if not normalise and not (rounded and (np.abs(sums - 1) <= _rounding(raw.shape[1])).all()):
        row = int(np.argmax(wrong))
        raise DataError(
            f"The probabilities of {int(wrong.sum())} rows do not add up to 1; those of row {row + 1} add up to "
            f"{sums[row]:.4g}. Normalise them, or correct the table.{SEVERAL if _look_independent(raw, sums) else ''}"
        )
    notes.append(
        f"{int(wrong.sum())} rows of probabilities did not add up to 1 and were normalised, so exactly one class is "
        "taken to be right."
    )
    return np.asarray(raw / sums[:, None], np.float32)


def _look_independent(raw: Doubles, sums: Doubles) -> bool:
    """Whether rows look like probabilities of labels of which several may be right: none above 1, but their sums."""
    return bool((raw <= 1).all() and (sums > 1 + SUM_TOLERANCE).any())


def _rounding(classes: int) -> float:
    """Return how far the sum of rounded percentages may be from 1."""
    return min(SUM_TOLERANCE + ROUNDING * classes, MOST_ROUNDING)


def heads_of(table: Table, labels: tuple[str, ...], used: set[str]) -> dict[str, Floats]:
    """Return the logits of each head: arrays, or columns logits_<head>_<class> for every class."""
    if odd := [name for name, logits in table.heads.items() if logits.shape[1] != len(labels)]:
        number = table.heads[odd[0]].shape[1]
        raise DataError(f"The head {odd[0][:40]!r} has {number} logits per row, but there are {len(labels)} classes.")
    heads = table.heads | _head_columns(table.columns, labels, used)
    if bad := [head for head, logits in heads.items() if not np.isfinite(logits).all()]:
        raise DataError(f"The head {bad[0][:40]!r} has logits that are not numbers. Fix them.")
    return {head: np.asarray(logits, np.float32) for head, logits in heads.items()}


def _head_columns(columns: Mapping[str, Column], labels: tuple[str, ...], used: set[str]) -> dict[str, Column]:
    """Return the logits (n, K) of the heads that have a column for every class, and add those to `used`."""
    ending = f"_{labels[0]}"
    candidates = [c[len(HEAD) : -len(ending)] for c in columns if c.startswith(HEAD) and c.endswith(ending)]
    heads = {}
    for head in filter(None, candidates):
        names = [f"{HEAD}{head}_{label}" for label in labels]
        if set(names) <= set(columns):
            used.update(names)
            heads[head] = np.stack([numbers_of(columns[name]) for name in names], axis=1)
    return heads
