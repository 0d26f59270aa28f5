"""Tables of predictions from CSV, parquet and npz files.

A fault is a DataError that says what was expected, what came and what to do; what is merely worth knowing is a note.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xai_core.bias.groups import LEAST_PICTURES
from xai_core.bias.predictions import Predictions, Texts
from xai_core.errors import DataError
from xai_core.types import Floats, Indices

LARGEST = 256 << 20  # bytes
MOST_ROWS, MOST_CLASSES, MOST_VALUES = 200_000, 2_000, 50
TRUTH = ("y_true", "true", "truth", "label", "actual", "target")
GUESS = ("y_pred", "pred", "predicted", "prediction")
FILE = ("file", "image", "filename", "path")
PROBABILITY = re.compile(r"(?:prob|proba|p|score)[_ ](.+)")
SCORES = ("probabilities", "probs", "proba", "prob")
HEAD = re.compile(r"logits_([^_]+)_(.+)")
SUM_TOLERANCE = 1e-3
EXPECTED = (
    "a column y_true with the true classes, a column y_pred with the predicted ones or a column prob_<class> for each "
    "class, and any further columns as attributes"
)


def read_predictions(
    data: bytes, name: str, *, labels: Sequence[str] | None = None, normalise: bool = False
) -> Predictions:
    """Read a table of predictions from the bytes of a CSV, parquet or npz file, told by its content.

    labels: the classes in the model's order, where the table has numbers or lacks some. normalise: bring rows of
    probabilities that do not add up to 1 there. Raises DataError.
    """
    if len(data) > LARGEST:
        raise DataError(f"The file has {len(data) >> 20} MB; at most {LARGEST >> 20} MB are read. Split it.")
    columns = _columns(data)
    rows = {len(values) for values in columns.values()}
    if not columns or rows == {0}:
        raise DataError(f"The table is empty. Expected {EXPECTED}.")
    if max(rows) > MOST_ROWS:
        raise DataError(f"The table has {max(rows)} rows; at most {MOST_ROWS} are read. Draw a sample of it.")
    return _assembled(columns, name, labels, normalise)


def attribute_notes(attributes: Mapping[str, Texts]) -> list[str]:
    """Return what should be known of attributes before groups are compared, in sentences."""
    notes = []
    for name, values in attributes.items():
        counts = Counter(str(value) for value in values)
        if len(counts) == 1:
            notes.append(f"The attribute {name} has one value only, so it makes no groups.")
        elif small := [value for value, number in counts.items() if number < LEAST_PICTURES]:
            shown = ", ".join(sorted(small)[:4]) + (" and others" if len(small) > 4 else "")
            notes.append(
                f"In {name} there are groups of fewer than {LEAST_PICTURES} pictures ({shown}); read with care."
            )
    return notes


def _assembled(
    columns: dict[str, NDArray[Any]], name: str, labels: Sequence[str] | None, normalise: bool
) -> Predictions:
    used: set[str] = set()
    truth = _take(columns, TRUTH, used)
    if truth is None:
        raise DataError(f"The true classes are missing. Expected {EXPECTED}; got {', '.join(list(columns)[:8])}.")
    guess, files = _take(columns, GUESS, used), _take(columns, FILE, used)
    scores = {m[1]: c for c in columns if (m := PROBABILITY.fullmatch(c)) and columns[c].dtype.kind in "fiu"}
    names, notes = _labels(labels, list(scores), truth, guess), list[str]()
    probabilities = _probabilities(columns, scores, names, normalise, notes)
    heads = _heads(columns, names)
    used |= {*scores.values(), *(c for c in columns if HEAD.fullmatch(c))}
    if guess is None and probabilities is None:
        raise DataError(f"Neither predicted classes nor probabilities are there. Expected {EXPECTED}.")
    codes = _codes(truth, names, "true")
    predicted = _codes(guess, names, "predicted") if guess is not None else _first_best(probabilities)
    attributes = {c: _texts(v) for c, v in columns.items() if c not in used and len(set(_texts(v))) <= MOST_VALUES}
    notes += [*_notes(codes, predicted, probabilities, guess is not None, names, files), *attribute_notes(attributes)]
    kept = None if files is None else _texts(files)
    return Predictions(name, names, codes, predicted, probabilities, attributes, kept, heads, tuple(notes))


def _columns(data: bytes) -> dict[str, NDArray[Any]]:
    try:
        if data.startswith(b"PK\3\4"):
            return _from_npz(data)
        table = pd.read_parquet(io.BytesIO(data)) if data.startswith(b"PAR1") else pd.read_csv(io.BytesIO(data))
    except (ValueError, OSError, KeyError, EOFError, UnicodeDecodeError, BadZipFile) as error:
        raise DataError(f"The file can not be read as CSV, parquet or npz. Expected {EXPECTED}.") from error
    return {str(column): table[column].to_numpy() for column in table.columns}


def _from_npz(data: bytes) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    names = [str(one) for one in arrays.pop("labels", np.array([], np.str_))]
    for key, array in arrays.items():
        if array.ndim == 2:  # probabilities, or the logits of a head
            prefix = (
                "prob"
                if key in ("probabilities", "probs", "proba", "prob")
                else f"logits_{key.removeprefix('logits_')}"
            )
            for one, column in enumerate(array.T):
                found[f"{prefix}_{names[one] if one < len(names) else one}"] = column
        elif array.ndim == 1:
            found[key] = array
    if len({len(column) for column in found.values()}) > 1:
        sizes = ", ".join(f"{key} {len(column)}" for key, column in list(found.items())[:5])
        raise DataError(f"The arrays of the npz have different lengths ({sizes}); each has one entry a picture.")
    return found


def _take(columns: Mapping[str, NDArray[Any]], names: Sequence[str], used: set[str]) -> NDArray[Any] | None:
    plain = {column.strip().casefold(): column for column in columns}
    found = next((plain[name] for name in names if name in plain), None)
    if found is None:
        return None
    used.add(found)
    return columns[found]


def _labels(given: Sequence[str] | None, scored: list[str], truth: Any, guess: Any) -> tuple[str, ...]:
    """Return the classes: those given, those with probabilities, or all that occur."""
    if given:
        return tuple(given)
    occurring = set(_texts(truth)) | (set() if guess is None else set(_texts(guess)))
    if scored and all(one.isdigit() for one in scored):
        scored = sorted(scored, key=int)
    if scored:
        return tuple(scored)
    if all(one.isdigit() for one in occurring):
        return tuple(str(number) for number in range(max(map(int, occurring)) + 1))
    if len(occurring) > MOST_CLASSES:
        raise DataError(f"The table names {len(occurring)} classes; at most {MOST_CLASSES} are read.")
    return tuple(sorted(map(str, occurring)))


def _codes(values: NDArray[Any], labels: tuple[str, ...], what: str) -> Indices:
    numbers = {} if any(label.isdigit() for label in labels) else {str(n): n for n in range(len(labels))}
    places = numbers | {label: place for place, label in enumerate(labels)}
    texts = _texts(values)
    codes = np.array([places.get(str(text), -1) for text in texts], np.int64)
    if (codes < 0).any():
        row = int(np.argmax(codes < 0))
        known = ", ".join(labels[:6]) + (" …" if len(labels) > 6 else "")
        raise DataError(
            f"Row {row + 1} has the {what} class {str(texts[row])[:40]!r}, which is none of the {len(labels)} classes "
            f"({known}). Mend it, or give the labels."
        )
    return codes


def _probabilities(
    columns: Mapping[str, NDArray[Any]],
    scores: Mapping[str, str],
    labels: tuple[str, ...],
    normalise: bool,
    notes: list[str],
) -> Floats | None:
    if not scores:
        return None
    if lacking := [label for label in labels if label not in scores]:
        first = lacking[0][:40]
        raise DataError(f"There are probabilities for {len(scores)} classes, but none for {first!r}; add prob_{first}.")
    whole = np.stack([columns[scores[label]] for label in labels], axis=1).astype(np.float64)
    if not np.isfinite(whole).all() or (whole < 0).any():
        row = int(np.argmax(~np.isfinite(whole).all(axis=1) | (whole < 0).any(axis=1)))
        raise DataError(f"Row {row + 1} has a probability that is negative or no number. Mend it.")
    sums = whole.sum(axis=1)
    if (wrong := np.abs(sums - 1) > SUM_TOLERANCE).any():
        row = int(np.argmax(wrong))
        if not normalise or (sums <= 0).any():
            raise DataError(
                f"The probabilities of {int(wrong.sum())} rows do not add up to 1; those of row {row + 1} add up to "
                f"{sums[row]:.4g}. Have them normalised, or mend them."
            )
        whole /= sums[:, None]
        notes.append(f"{int(wrong.sum())} rows of probabilities did not add up to 1 and were normalised.")
    return whole.astype(np.float32)


def _heads(columns: Mapping[str, NDArray[Any]], labels: tuple[str, ...]) -> dict[str, Floats]:
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for column, values in columns.items():
        if match := HEAD.fullmatch(column):
            found.setdefault(match[1], {})[match[2]] = values
    whole = {name: parts for name, parts in found.items() if set(labels) <= set(parts)}
    return {name: np.stack([parts[one] for one in labels], axis=1).astype(np.float32) for name, parts in whole.items()}


def _first_best(probabilities: Floats | None) -> Indices:
    assert probabilities is not None
    return np.asarray(probabilities.argmax(axis=1), np.int64)


def _notes(
    truth: Indices,
    predicted: Indices,
    probabilities: Floats | None,
    given: bool,
    labels: tuple[str, ...],
    files: NDArray[Any] | None,
) -> list[str]:
    notes = []
    absent = [label for one, label in enumerate(labels) if not (truth == one).any()]
    if absent:
        notes.append(f"There is no picture of {', '.join(absent[:4])}{' and others' if len(absent) > 4 else ''}.")
    if given and probabilities is not None and (apart := int((probabilities.argmax(axis=1) != predicted).sum())):
        notes.append(f"In {apart} rows the predicted class is not the most probable one; the column is believed.")
    if files is not None and (twice := len(files) - len(set(_texts(files)))):
        notes.append(f"{twice} rows name a picture that another row names too.")
    return notes


def _texts(values: NDArray[Any]) -> Texts:
    """Return values as texts; whole numbers without a point, missing ones as ""."""
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == np.round(values)).all():
        values = values.astype(np.int64)
    return np.array(["" if pd.isna(value) else str(value).strip() for value in values], np.str_)
