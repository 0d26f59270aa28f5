"""Read tables of predictions from CSV, Excel, JSON, parquet and npz files.

A fault is a DataError that says what was expected, what came and what to do. Minor problems become notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.bias.columns import Roles, with_roles
from xai_core.bias.numbers import PER_CENT, Column
from xai_core.bias.predictions import Predictions
from xai_core.bias.repairs import Repairs, Unusable, respelt, several_labels, spellings, unusable
from xai_core.bias.scores import are_rounded, heads_of, probabilities_of, scores_of, whole, with_the_other_class
from xai_core.bias.settings import GROUP_MINIMUM
from xai_core.bias.table_files import FILE, TRUTH, Table, read_table, texts_of
from xai_core.errors import DataError
from xai_core.types import Doubles, Floats, Indices, Texts
from xai_core.wording import natural, some

MOST_CLASSES, MOST_VALUES = 2_000, 50
NO_VALUE = ("nan", "<na>", "nat", "null")  # how programs write a missing value of an attribute
GUESS = ("y_pred", "pred", "predicted", "prediction")
EXPECTED = (
    "a column y_true with the true classes, a column y_pred with the predicted ones or a column prob_<class> for each "
    "class, and any other columns as attributes"
)


def read_predictions(
    data: bytes,
    name: str,
    *,
    labels: Sequence[str] | None = None,
    normalise: bool = False,
    columns: Roles | None = None,
    repairs: Repairs | None = None,
) -> Predictions:
    """Read a table of predictions from the bytes of a file, whose format is detected from the content.

    name: of the model or run. labels: the classes in the model's order, for a table that numbers them or lacks some.
    normalise: scale rows of probabilities so that they add up to 1. columns: the file's column for y_true, y_pred,
    file and prob_<class>, where it has a different name; with two classes, the probability of one is enough. repairs:
    what is repaired. Raises DataError.
    """
    table = with_roles(full_table(data), columns or {})
    return predictions_of(table, name, labels or (), normalise, repairs or Repairs())


def full_table(data: bytes) -> Table:
    """Return the columns of a file, as they are written. Raises DataError if there are none, or no rows."""
    table = read_table(data, EXPECTED)
    if not any(len(column) for column in table.columns.values()):
        raise DataError(f"The table is empty. Expected {EXPECTED}.")
    return table


def predictions_of(
    table: Table, name: str, labels: Sequence[str], normalise: bool = False, repairs: Repairs | None = None
) -> Predictions:
    """Return the predictions of a table, as for `read_predictions`."""
    repairs = repairs or Repairs()
    reading = _Reading(table, tuple(labels or table.labels), normalise, repairs)
    if not repairs.leave_out_rows or not (bad := reading.unusable()).rows.any():
        return reading.predictions(name)
    if bad.rows.all():
        raise DataError("Every row lacks a class or a probability, so none is left. Fix the table.")
    count = int(bad.rows.sum())
    note = f"{f'{count:,} rows were' if count > 1 else '1 row was'} left out: {bad.in_words()}."
    kept = replace(table.at(~bad.rows), notes=(note, *table.notes))
    return _Reading(kept, tuple(labels or table.labels), normalise, repairs).predictions(name)


def unusable_rows(table: Table, labels: Sequence[str], repairs: Repairs) -> Unusable:
    """Return which rows of a table cannot be used. Raises DataError if its columns cannot be read at all."""
    return _Reading(table, tuple(labels or table.labels), False, repairs).unusable()


def spellings_of(table: Table, labels: Sequence[str]) -> dict[str, str]:
    """Return the class names of a table that are spelt differently, with the spelling to use."""
    return _Reading(table, tuple(labels or table.labels), False, Repairs(reconcile_names=True)).odd


def attributes_of(columns: Mapping[str, Column], notes: list[str]) -> dict[str, Texts]:
    """Return columns as attributes; one with too many values is dropped, with a note."""
    attributes = {}
    for name, column in columns.items():
        values = texts_of(column)
        values = np.where(np.isin(np.char.lower(values), NO_VALUE), "", values)
        if (number := len(set(values.tolist()))) > MOST_VALUES:
            notes.append(f"The column {name[:40]} has {number} values, too many to make groups, and was skipped.")
        else:
            attributes[name] = values
    return attributes


def attribute_notes(attributes: Mapping[str, Texts]) -> list[str]:
    """Return what to know about attributes before groups are compared, as sentences."""
    notes = []
    for name, values in attributes.items():
        counts = Counter(str(value) for value in values)
        if missing := counts.pop("", 0):
            notes.append(f"{missing:,} pictures have no value of {name}; they are not compared with the others.")
        if len(counts) == 1:
            notes.append(f"The attribute {name} has only one value, so it makes no groups.")
        elif small := [value for value, number in counts.items() if number < GROUP_MINIMUM]:
            shown = some(sorted(small, key=natural))
            notes.append(f"Some groups of {name} have fewer than {GROUP_MINIMUM} pictures ({shown}): read with care.")
    return notes


def set_notes(truth: Indices, labels: Sequence[str], files: Texts | None) -> list[str]:
    """Return what to know about labelled pictures, as sentences: classes without any, pictures named twice."""
    present = np.bincount(truth, minlength=len(labels)) > 0
    absent = [label for label, known in zip(labels, present, strict=True) if not known]
    notes = [f"There are no pictures of {some(absent)}, so many of its metrics are undefined."] if absent else []
    names = [] if files is None else [str(name) for name in files if name]
    if repeated := len(names) - len(set(names)):
        notes.append(f"{repeated} rows name a picture that a different row names too.")
    return notes


def take(columns: Mapping[str, Column], names: Sequence[str], used: set[str]) -> Column | None:
    """Return the first column that has one of some names, and add it to `used`; None if there is none."""
    plain = {column.casefold(): column for column in columns}
    name = next((plain[name] for name in names if name in plain), None)
    if name is None:
        return None
    used.add(name)
    return columns[name]


class _Reading:
    """One table on its way to predictions. used: the columns that are not attributes."""

    def __init__(self, table: Table, labels: tuple[str, ...], normalise: bool, repairs: Repairs) -> None:
        self._table, self._normalise, self._repairs = table, normalise, repairs
        self._used: set[str] = set()
        self._notes = list(table.notes)
        self._actual = self._true_classes()
        guess = take(table.columns, GUESS, self._used)
        self._guessed = None if guess is None else texts_of(guess)
        files = take(table.columns, FILE, self._used)
        self._files = None if files is None else texts_of(files)
        before = set(self._used)
        known = labels or tuple(set(self._actual.tolist()))
        self._scores = scores_of(table, known, self._used, percent=repairs.percent)
        self._rounded = repairs.percent or are_rounded(table, self._used - before)
        self.odd = spellings(self._actual, self._guessed, labels or tuple(self._scores))
        self._reconcile()
        if table.scores is not None:
            occurring = sorted(set(self._actual.tolist()) - {""}, key=natural)
            self._scores = with_the_other_class(self._scores, list(labels) or occurring)
        self._labels = labels or _labels(list(self._scores), table.probabilities, self._actual, self._guessed)
        _check_number(len(self._labels))

    def unusable(self) -> Unusable:
        """Return which rows lack a class, or have a bad probability."""
        return unusable(self._actual, self._guessed, self._raw())

    def _raw(self) -> Doubles | None:
        raw = whole(self._scores, self._table.probabilities, self._labels)
        matrix = self._table.probabilities is not None and self._repairs.percent
        return raw / PER_CENT if raw is not None and matrix else raw

    def _reconcile(self) -> None:
        """Spell class names alike on request; DataError if they must be, since the columns have none in common."""
        if self._repairs.reconcile_names and self.odd:
            self._actual = respelt(self._actual, self.odd)
            self._guessed = None if self._guessed is None else respelt(self._guessed, self.odd)
            self._notes.insert(0, f"Class names were reconciled: {_pairs(self.odd)}.")
        elif self._guessed is not None:
            actual, predicted = set(self._actual.tolist()), set(self._guessed.tolist())
            odd = {name: best for name, best in self.odd.items() if name not in actual and best not in predicted}
            if odd:
                raise DataError(
                    f"Class names are spelt differently in the columns of true and predicted classes: {_pairs(odd)}. "
                    "Reconcile them, or fix the table."
                )

    def predictions(self, name: str) -> Predictions:
        raw = self._raw()
        probabilities = (
            None if raw is None else probabilities_of(raw, self._normalise, self._notes, rounded=self._rounded)
        )
        truth = _codes(self._actual, self._labels, "true")
        predicted = self._predicted(probabilities)
        heads = heads_of(self._table, self._labels, self._used)
        others = {name: column for name, column in self._table.columns.items() if name not in self._used}
        attributes = attributes_of(others, self._notes)
        if joint := several_labels(self._actual, self._labels):
            self._notes.insert(0, joint)
        self._notes += set_notes(truth, self._labels, self._files)
        self._notes += _disagreement(predicted, probabilities) + attribute_notes(attributes)
        notes = tuple(self._notes)
        return Predictions(name, self._labels, truth, predicted, probabilities, attributes, self._files, heads, notes)

    def _true_classes(self) -> Texts:
        truth = take(self._table.columns, TRUTH, self._used)
        if truth is None:
            got = ", ".join(list(self._table.columns)[:8])
            raise DataError(f"The true classes are missing. Expected {EXPECTED}; got {got}.")
        return texts_of(truth)

    def _predicted(self, probabilities: Floats | None) -> Indices:
        if self._guessed is not None:
            return _codes(self._guessed, self._labels, "predicted")
        if probabilities is None:
            raise DataError(f"The table has neither predicted classes nor probabilities. Expected {EXPECTED}.")
        return np.asarray(probabilities.argmax(axis=1), np.int64)


def _labels(
    scored: list[str], probabilities: NDArray[Any] | None, actual: Texts, guessed: Texts | None
) -> tuple[str, ...]:
    """Return the classes: those with probabilities, or all that occur; for numbers, all up to the highest."""
    if scored:
        return tuple(sorted(scored, key=int) if all(map(_is_number, scored)) else scored)
    occurring = (set(actual.tolist()) | (set() if guessed is None else set(guessed.tolist()))) - {""}
    if not occurring or not all(map(_is_number, occurring)):
        return tuple(sorted(occurring, key=natural))
    classes = max(map(int, occurring)) + 1
    if probabilities is not None:
        classes = max(classes, probabilities.shape[1])
    _check_number(classes)
    return tuple(map(str, range(classes)))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _check_number(classes: int) -> None:
    if classes > MOST_CLASSES:
        raise DataError(f"The table has {classes} classes; at most {MOST_CLASSES} are read.")


def _codes(texts: Texts, labels: tuple[str, ...], which: str) -> Indices:
    """Return classes as numbers; DataError for a text that is no label and, if no label is a number, no index."""
    numbers = {} if any(map(_is_number, labels)) else {str(n): n for n in range(len(labels))}
    places = numbers | {label: place for place, label in enumerate(labels)}
    codes = np.array([places.get(text, -1) for text in texts.tolist()], np.int64)
    if not (codes < 0).any():
        return codes
    row = int(np.argmax(codes < 0))
    if not texts[row]:
        raise DataError(f"Row {row + 1} has no {which} class. Add it, or remove the row.")
    raise DataError(
        f"Row {row + 1} has the {which} class {str(texts[row])[:40]!r}, which is not among the {len(labels)} classes "
        f"({some(labels)}). Fix it, or provide the class names."
    )


def _pairs(names: Mapping[str, str]) -> str:
    return some([f"{name[:40]!r} is {best[:40]!r}" for name, best in names.items()])


def _disagreement(predicted: Indices, probabilities: Floats | None) -> list[str]:
    rows = 0 if probabilities is None else int((probabilities.argmax(axis=1) != predicted).sum())
    sentence = f"In {rows} rows the predicted class is not the most probable one; the column of predictions is used."
    return [sentence] if rows else []
