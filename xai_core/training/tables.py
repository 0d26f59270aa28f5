"""Read histories from CSV tables: long, a row per prediction; or wide, a row per picture and a column per epoch."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xai_core.errors import DataError
from xai_core.training.checking import MOST_CELLS, check_cells, check_count
from xai_core.training.confidences import Noted, of_columns
from xai_core.training.history import NO_DATA, History
from xai_core.types import Indices, Texts
from xai_core.untrusted.csv_text import TOO_LONG, header_of, unguarded
from xai_core.untrusted.texts import text_array

FORMATS = (
    "a CSV with instance_id, epoch, pred and actual; a CSV with instance_id, actual and a column epoch_0, epoch_1, ... "
    "per epoch; an npz with predictions and actual; or InstanceFlow's JSON"
)
PROBABILITY = "prob_"
MOST_ROWS = MOST_CELLS  # a long table has one for each prediction
NUMBER = re.compile(r"(\d+(?:\.\d+)?)")
Encoder = Callable[[Any], Indices]


def from_table(data: bytes, name: str) -> History:
    """Read a CSV, long (instance_id, epoch, pred) or wide (instance_id, epoch_0, ...). Raises DataError otherwise.

    The columns actual and image are optional, and in a long table prob_<class>. Classes are names, or numbers counted
    from 0; a missing prediction, or -1, is no data.
    """
    table = read_table(data)
    if "instance_id" in table.columns and table["instance_id"].isna().any():
        raise DataError(f"Row {_first(table['instance_id'].isna())} has no instance_id. Name the picture of every row.")
    if {"instance_id", "epoch", "pred"} <= set(table.columns):
        return _from_long(table, name)
    columns = [column for column in table.columns if column.startswith("epoch_")]
    if "instance_id" in table.columns and columns:
        return _from_wide(table, columns, name)
    raise DataError(f"Expected {FORMATS}; got a table of {named_columns(table)}.")


def read_table(data: bytes) -> pd.DataFrame:
    """Return a CSV with a header as a table, the ids as they are written. Raises DataError if it cannot be read."""
    try:
        text = data.decode("utf-8-sig")
        header_of(text, ",")
        texts = {"instance_id": str, "image": str}
        table = pd.read_csv(io.StringIO(text), dtype=texts, nrows=MOST_ROWS + 1, low_memory=False)
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(f"The file cannot be read as a table. Expected {FORMATS}.") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise DataError(TOO_LONG)
    if len(table) > MOST_ROWS:
        raise DataError(f"The table has more than {MOST_ROWS:,} rows. Leave out pictures or epochs.")
    return table.rename(columns=lambda name: unguarded(str(name).strip()))


def named_columns(table: pd.DataFrame) -> str:
    """Return the names of the first columns of a table, separated by commas."""
    return ", ".join(str(column)[:30] for column in table.columns[:8])


def _from_long(table: pd.DataFrame, name: str) -> History:
    _check_long(table)
    ids, rows = _in_order_of_appearance(table["instance_id"])
    epochs, columns = _epochs(table["epoch"])
    check_cells(len(ids), len(epochs))
    truth = _truth(table)
    labels, encode = _classes(truth, table["pred"])
    predictions = np.full((len(ids), len(epochs)), NO_DATA, np.int64)
    predictions[rows, columns] = encode(table["pred"])
    actual = np.full(len(ids), NO_DATA, np.int64)
    np.maximum.at(actual, rows, encode(truth))
    by_row, notes = _confidence(table, labels, predictions[rows, columns])
    confidence = None
    if by_row is not None:
        confidence = np.full(predictions.shape, np.nan, np.float32)
        confidence[rows, columns] = by_row
    images = _images(table, rows, len(ids))
    return History(name, labels, predictions, actual, ids, epochs, images, notes=notes, confidence=confidence)


def _check_long(table: pd.DataFrame) -> None:
    """Raise DataError for a row without an epoch, two predictions of a picture in one, or two true classes of one."""
    if table["epoch"].isna().any():
        raise DataError(f"Row {_first(table['epoch'].isna())} has no epoch. Name the epoch of every row.")
    twice = table.duplicated(["instance_id", "epoch"])
    if twice.any():
        row = table[twice].iloc[0]
        raise DataError(
            f"The picture {row['instance_id']!r} has two predictions in epoch {row['epoch']}. Keep one of them."
        )
    several = _truth(table).groupby(table["instance_id"]).nunique() > 1
    if several.any():
        raise DataError(f"The picture {several.idxmax()!r} has several true classes. Use the same in all its rows.")


def _from_wide(table: pd.DataFrame, columns: Sequence[str], name: str) -> History:
    ordered = sorted(columns, key=lambda column: _natural(column.removeprefix("epoch_")))
    check_cells(len(table), len(ordered))
    truth = _truth(table)
    labels, encode = _classes(truth, *(table[column] for column in ordered))
    predictions = np.stack([encode(table[column]) for column in ordered], axis=1)
    ids = _texts(table["instance_id"], "instance_id")
    epochs = tuple(column.removeprefix("epoch_") for column in ordered)
    images = _images(table, np.arange(len(table)), len(table))
    return History(name, labels, predictions, encode(truth), ids, epochs, images)


def _truth(table: pd.DataFrame) -> pd.Series:
    """Return the true class of each row, missing if the table has none."""
    return table["actual"] if "actual" in table.columns else pd.Series(np.nan, index=table.index)


def _classes(*columns: pd.Series) -> tuple[tuple[str, ...], Encoder]:
    """Return the labels of all columns, and what turns a column into class numbers, -1 for a cell without data."""
    cells = pd.concat([column.dropna() for column in columns], ignore_index=True)
    numbers = pd.to_numeric(cells, errors="coerce")
    if numbers.isna().any():
        return _named(cells)
    wrong = (numbers % 1 != 0) | (numbers < NO_DATA)
    if wrong.any():
        raise DataError(
            f"A class is a name, or a number counted from 0 (-1 for no data), but a cell has "
            f"{numbers[wrong].iloc[0]:g}. Fix that cell."
        )
    count = int(numbers.max()) + 1 if len(numbers) else 0
    check_count(count)
    labels = tuple(f"class {n}" for n in range(max(count, 1)))
    return labels, lambda column: pd.to_numeric(column).fillna(NO_DATA).to_numpy(np.int64)


def _named(cells: pd.Series) -> tuple[tuple[str, ...], Encoder]:
    written = sorted({str(cell) for cell in cells}, key=_natural)
    check_count(len(written))
    labels = tuple(_texts(written, "the names of classes").tolist())
    places = {name: place for place, name in enumerate(written)}

    def encode(column: Any) -> Indices:
        return np.array([NO_DATA if pd.isna(cell) else places[str(cell)] for cell in column], np.int64)

    return labels, encode


def _in_order_of_appearance(column: pd.Series) -> tuple[Texts, Indices]:
    numbers, names = pd.factorize(column)
    return _texts(names, "instance_id"), numbers.astype(np.int64)


def _epochs(column: pd.Series) -> tuple[tuple[str, ...], Indices]:
    """Return the names of the epochs in order, and the epoch of each row by its number."""
    numbers, names = pd.factorize(column)
    written = [f"{name:g}" if isinstance(name, float) else str(name).strip() for name in names]
    _texts(written, "the names of epochs")
    order = sorted(range(len(written)), key=lambda place: _natural(written[place]))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return tuple(written[place] for place in order), places[numbers]


def _images(table: pd.DataFrame, rows: Indices, count: int) -> Texts | None:
    if "image" not in table.columns:
        return None
    images = np.full(count, "", object)
    images[rows] = table["image"].fillna("").str.slice(0, 500)
    return _texts(images, "image")


def _texts(cells: Iterable[Any], what: str) -> Texts:
    return text_array([unguarded(str(cell)) for cell in cells], what)


def _confidence(table: pd.DataFrame, labels: Sequence[str], predicted: Indices) -> Noted:
    """Return the probability of each row's prediction, from columns named after classes or their numbers."""
    names = [(f"{PROBABILITY}{label}", f"{PROBABILITY}{number}") for number, label in enumerate(labels)]
    columns = [next((table[name] for name in both if name in table.columns), None) for both in names]
    if all(column is None for column in columns):
        return None, ()
    values = [None if c is None else pd.to_numeric(c, errors="coerce").to_numpy(np.float64) for c in columns]
    return of_columns(values, predicted, f"The columns {PROBABILITY}…")


def _natural(name: str) -> list[tuple[int, float, str]]:
    """Return a sort key by which epoch 2 comes before epoch 10."""
    parts = (part for part in NUMBER.split(name) if part)
    return [(0, float(part), "") if NUMBER.fullmatch(part) else (1, 0.0, part) for part in parts]


def _first(mask: pd.Series) -> int:
    """Return the line of the file, counted from 1 with the header, of the first row that a mask marks."""
    return int(mask.to_numpy().argmax()) + 2
