"""Tables of predictions from CSV, parquet and npz files.

A fault is a DataError that says what was expected, what came and what to do; what is merely worth knowing is a note.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xai_core.bias.predictions import Predictions
from xai_core.bias.settings import GROUP_MINIMUM
from xai_core.bias.table_files import FILE, HEAD, TRUTH, Column, Table, read_table, texts_of
from xai_core.bias.wording import natural
from xai_core.errors import DataError
from xai_core.types import Floats, Indices, Texts

MOST_CLASSES, MOST_VALUES = 2_000, 50
GUESS = ("y_pred", "pred", "predicted", "prediction")
PROBABILITY = re.compile(r"(?:prob|proba|p|score)[_ ](.+)")
SUM_TOLERANCE = 1e-3
EXPECTED = (
    "a column y_true with the true classes, a column y_pred with the predicted ones or a column prob_<class> for each "
    "class, and any further columns as attributes"
)


def read_predictions(
    data: bytes, name: str, *, labels: Sequence[str] | None = None, normalise: bool = False
) -> Predictions:
    """Read a table of predictions from the bytes of a CSV, parquet or npz file, told by its content.

    name: what the model or run is called. labels: the classes in the model's order, where the table has numbers or
    lacks some. normalise: bring rows of probabilities that do not add up to 1 there. Raises DataError.
    """
    table = read_table(data, EXPECTED)
    if not any(len(column) for column in table.columns.values()):
        raise DataError(f"The table is empty. Expected {EXPECTED}.")
    return _assembled(table, name, tuple(labels or table.labels), normalise)


def attributes_of(columns: Mapping[str, Column], notes: list[str]) -> dict[str, Texts]:
    """Return columns as attributes, without those of too many values; of these the notes then speak."""
    found = {name: texts_of(column) for name, column in columns.items()}
    for name, values in list(found.items()):
        if (number := len(set(values.tolist()))) > MOST_VALUES:
            notes.append(f"The column {name[:40]} has {number} values, too many to make groups, so it is left out.")
            del found[name]
    return found


def attribute_notes(attributes: Mapping[str, Texts]) -> list[str]:
    """Return what should be known of attributes before groups are compared, in sentences."""
    notes = []
    for name, values in attributes.items():
        counts = Counter(str(value) for value in values)
        if len(counts) == 1:
            notes.append(f"The attribute {name} has one value only, so it makes no groups.")
        elif small := [value for value, number in counts.items() if number < GROUP_MINIMUM]:
            shown = ", ".join(sorted(small, key=natural)[:4]) + (" and others" if len(small) > 4 else "")
            notes.append(
                f"In {name} there are groups of fewer than {GROUP_MINIMUM} pictures ({shown}); read with care."
            )
    return notes


def set_notes(truth: Indices, labels: Sequence[str], files: Texts | None) -> list[str]:
    """Return what should be known of labelled pictures, in sentences: classes without any, pictures named twice."""
    present = np.bincount(truth, minlength=len(labels)) > 0
    absent = [label for label, known in zip(labels, present, strict=True) if not known]
    notes = [f"There is no picture of {some(absent)}, so much is not defined there."] if absent else []
    named = [] if files is None else [str(one) for one in files if one]
    if twice := len(named) - len(set(named)):
        notes.append(f"{twice} rows name a picture that another row names too.")
    return notes


def _assembled(table: Table, name: str, given: tuple[str, ...], normalise: bool) -> Predictions:
    used: set[str] = set()
    truth = take(table.columns, TRUTH, used)
    if truth is None:
        got = ", ".join(list(table.columns)[:8])
        raise DataError(f"The true classes are missing. Expected {EXPECTED}; got {got}.")
    guess, files = take(table.columns, GUESS, used), take(table.columns, FILE, used)
    actual, guessed = texts_of(truth), None if guess is None else texts_of(guess)
    scores = _scores(table, given or tuple(set(actual.tolist())), used)
    labels = given or _labels(list(scores), table.probabilities, actual, guessed)
    _check_number(len(labels))
    notes = list(table.notes)
    probabilities = _probabilities(_whole(scores, table.probabilities, labels), normalise, notes)
    if guessed is None and probabilities is None:
        raise DataError(f"Neither predicted classes nor probabilities are there. Expected {EXPECTED}.")
    codes = _codes(actual, labels, "true")
    predicted = _first_best(probabilities) if guessed is None else _codes(guessed, labels, "predicted")
    heads = _heads(table, labels, used)
    attributes = attributes_of({c: v for c, v in table.columns.items() if c not in used}, notes)
    kept = None if files is None else texts_of(files)
    notes += [*set_notes(codes, labels, kept), *_apart(predicted, probabilities), *attribute_notes(attributes)]
    return Predictions(name, labels, codes, predicted, probabilities, attributes, kept, heads, tuple(notes))


def take(columns: Mapping[str, Column], names: Sequence[str], used: set[str]) -> Column | None:
    """Return the first column that has one of some names, and count it as used; None where there is none."""
    plain = {column.casefold(): column for column in columns}
    found = next((plain[name] for name in names if name in plain), None)
    if found is None:
        return None
    used.add(found)
    return columns[found]


def _scores(table: Table, known: tuple[str, ...], used: set[str]) -> dict[str, Column]:
    """Return the columns of probabilities by class: prob_cat and the like, or else cat for every class known."""
    if table.probabilities is not None:
        return {}
    free = {name: column for name, column in table.columns.items() if name not in used}
    named = {match[1]: name for name in free if (match := PROBABILITY.fullmatch(name)) and _is_score(free[name])}
    if not named and len(known) > 1 and all(label in free and _is_score(free[label]) for label in known):
        named = {label: label for label in free if label in known}
    used |= set(named.values())
    return {label: _numbers(free[name]) for label, name in named.items()}


def _is_score(column: Column) -> bool:
    """Whether a column holds numbers, or mostly so, in which case the others are faults."""
    return column.dtype.kind in "fiu" or bool(np.isfinite(_numbers(column)).mean() > 0.5)


def _numbers(column: Column) -> Column:
    return np.asarray(pd.to_numeric(pd.Series(column), errors="coerce"), np.float64)


def _labels(
    scored: list[str], probabilities: NDArray[Any] | None, actual: Texts, guessed: Texts | None
) -> tuple[str, ...]:
    """Return the classes: those with probabilities, or all that occur; of numbers all up to the greatest."""
    if scored:
        return tuple(sorted(scored, key=int) if all(map(_is_number, scored)) else scored)
    occurring = (set(actual.tolist()) | (set() if guessed is None else set(guessed.tolist()))) - {""}
    if not occurring or not all(map(_is_number, occurring)):
        return tuple(sorted(occurring, key=natural))
    number = max(map(int, occurring)) + 1
    if probabilities is not None:
        number = max(number, probabilities.shape[1])
    _check_number(number)
    return tuple(map(str, range(number)))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _check_number(classes: int) -> None:
    if classes > MOST_CLASSES:
        raise DataError(f"The table has {classes} classes; at most {MOST_CLASSES} are read.")


def _whole(
    scores: Mapping[str, Column], probabilities: NDArray[Any] | None, labels: tuple[str, ...]
) -> NDArray[np.float64] | None:
    """Return the probabilities as they came, (n, K)."""
    if probabilities is not None:
        if probabilities.shape[1] != len(labels):
            raise DataError(f"There are {probabilities.shape[1]} probabilities a row, but {len(labels)} classes.")
        return probabilities.astype(np.float64)
    if not scores:
        return None
    if lacking := [label for label in labels if label not in scores]:
        first = lacking[0][:40]
        raise DataError(f"There are probabilities for {len(scores)} classes, but none for {first!r}; add prob_{first}.")
    if foreign := [label for label in scores if label not in labels]:
        raise DataError(f"There are probabilities for {foreign[0][:40]!r}, which is none of the {len(labels)} classes.")
    return np.stack([scores[label] for label in labels], axis=1)


def _probabilities(whole: NDArray[np.float64] | None, normalise: bool, notes: list[str]) -> Floats | None:
    if whole is None:
        return None
    if (broken := ~np.isfinite(whole).all(axis=1) | (whole < 0).any(axis=1)).any():
        raise DataError(f"Row {int(np.argmax(broken)) + 1} has a probability that is negative or no number. Mend it.")
    sums = whole.sum(axis=1)
    if not (wrong := np.abs(sums - 1) > SUM_TOLERANCE).any():
        return whole.astype(np.float32)
    if (empty := sums <= 0).any():
        raise DataError(f"The probabilities of row {int(np.argmax(empty)) + 1} are all 0. Mend it.")
    if not normalise:
        row = int(np.argmax(wrong))
        raise DataError(
            f"The probabilities of {int(wrong.sum())} rows do not add up to 1; those of row {row + 1} add up to "
            f"{sums[row]:.4g}. Have them normalised, or mend them."
        )
    notes.append(f"{int(wrong.sum())} rows of probabilities did not add up to 1 and were normalised.")
    return np.asarray(whole / sums[:, None], np.float32)


def _heads(table: Table, labels: tuple[str, ...], used: set[str]) -> dict[str, Floats]:
    """Return the logits of each head: arrays, or columns logits_<head>_<class> for every class."""
    if odd := [name for name, logits in table.heads.items() if logits.shape[1] != len(labels)]:
        number = table.heads[odd[0]].shape[1]
        raise DataError(f"The head {odd[0][:40]!r} has {number} logits a row, but there are {len(labels)} classes.")
    found = dict(table.heads)
    first = labels[0]
    for column in table.columns:
        if column.startswith(HEAD) and column.endswith(f"_{first}"):
            head = column.removeprefix(HEAD).removesuffix(f"_{first}")
            names = [f"{HEAD}{head}_{label}" for label in labels]
            if head and set(names) <= set(table.columns):
                used.update(names)
                found[head] = np.stack([_numbers(table.columns[name]) for name in names], axis=1)
    if bad := [head for head, logits in found.items() if not np.isfinite(logits).all()]:
        raise DataError(f"The head {bad[0][:40]!r} has logits that are no numbers. Mend them.")
    return {head: np.asarray(logits, np.float32) for head, logits in found.items()}


def _codes(texts: Texts, labels: tuple[str, ...], what: str) -> Indices:
    numbers = {} if any(map(_is_number, labels)) else {str(n): n for n in range(len(labels))}
    places = numbers | {label: place for place, label in enumerate(labels)}
    codes = np.array([places.get(text, -1) for text in texts.tolist()], np.int64)
    if (codes < 0).any():
        row = int(np.argmax(codes < 0))
        if not texts[row]:
            raise DataError(f"Row {row + 1} has no {what} class. Mend it, or leave the row out.")
        raise DataError(
            f"Row {row + 1} has the {what} class {str(texts[row])[:40]!r}, which is none of the {len(labels)} classes "
            f"({some(labels)}). Mend it, or give the labels."
        )
    return codes


def _first_best(probabilities: Floats | None) -> Indices:
    assert probabilities is not None
    return np.asarray(probabilities.argmax(axis=1), np.int64)


def _apart(predicted: Indices, probabilities: Floats | None) -> list[str]:
    apart = 0 if probabilities is None else int((probabilities.argmax(axis=1) != predicted).sum())
    return (
        [f"In {apart} rows the predicted class is not the most probable one; the column is believed."] if apart else []
    )


def some(names: Sequence[str]) -> str:
    """Return a few names in words."""
    return ", ".join(name[:40] for name in names[:4]) + (" and others" if len(names) > 4 else "")
