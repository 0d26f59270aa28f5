"""Histories from files: tables, npz, InstanceFlow's JSON; and metric curves from tables and TensorBoard.

A fault is a DataError that says what was expected, what came and what to do.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from xai_core.errors import DataError
from xai_core.training.history import NO_DATA, History
from xai_core.types import Indices

LARGEST = 256 << 20  # bytes
MOST_CELLS = 20_000_000
CURVES = ("train_loss", "val_loss", "train_acc", "val_acc", "test_acc", "test_loss")
LONG = ("instance_id", "epoch", "pred")
WIDE_FIRST = "instance_id"
WAYS = (
    "a CSV of instance_id, epoch, pred and actual; a CSV of instance_id, actual and a column epoch_0, epoch_1, ... an "
    "epoch; an npz with predictions and actual; or InstanceFlow's JSON"
)


def read_history(data: bytes, name: str) -> History:
    """Read a history from the bytes of a CSV, npz or JSON file, told by its content; DataError where that fails."""
    if len(data) > LARGEST:
        raise DataError(f"The file has {len(data) >> 20} MB; at most {LARGEST >> 20} MB are read. Leave out epochs.")
    if data.startswith(b"PK\3\4"):
        return _from_npz(data, name)
    if data.lstrip()[:1] == b"{":
        return _from_instance_flow(data, name)
    return _from_table(data, name)


def read_curves(data: bytes, epochs: int) -> dict[str, np.ndarray]:
    """Read curves (E,) by name from a CSV of an epoch a row; DataError where there is not one row an epoch."""
    table = _table(data)
    found = {str(column): table[column] for column in table.columns if column in CURVES}
    if not found:
        raise DataError(f"A table of curves has columns such as {', '.join(CURVES[:4])}; got {_names(table)}.")
    if len(table) != epochs:
        raise DataError(
            f"The curves have {len(table)} rows, but the history has {epochs} epochs; it takes one row each."
        )
    return {name: pd.to_numeric(values, errors="coerce").to_numpy(np.float64) for name, values in found.items()}


def with_curves(history: History, curves: Mapping[str, np.ndarray]) -> History:
    """Return a history with further curves."""
    return replace(history, curves={**history.curves, **curves})


def to_instance_flow(history: History) -> bytes:
    """Return a history as InstanceFlow's JSON; missing predictions are -1 there."""
    images = history.images if history.images is not None else np.full(len(history), "")
    instances = [
        {"id": str(id), "actual": int(actual), "image": str(image)}
        for id, actual, image in zip(history.ids, history.actual, images, strict=True)
    ]
    columns = zip(history.epochs, history.predictions.T, strict=True)
    epochs = [{"id": epoch, "classifications": column.tolist()} for epoch, column in columns]
    whole = {"name": history.name, "labels": list(history.labels), "instances": instances, "epochs": epochs}
    return json.dumps(whole, ensure_ascii=False).encode()


def checked(history: History) -> History:
    """Return the history where its arrays fit together, with notes on what a person should know; else DataError."""
    shape = history.predictions.shape
    if len(shape) != 2 or shape[0] != len(history.actual) or shape[1] != len(history.epochs) or 0 in shape:
        raise DataError(f"A history has a row a picture and a column an epoch; got predictions of the shape {shape}.")
    if history.predictions.size > MOST_CELLS:
        raise DataError(f"The history has {history.predictions.size} predictions; at most {MOST_CELLS} are shown.")
    _check_classes(history.predictions[history.predictions != NO_DATA], len(history.labels), "prediction")
    _check_classes(history.actual, len(history.labels), "true class")
    _check_unique(history.ids, "The picture {!r} stands in the file twice; each has a row of its own.")
    return replace(history, notes=(*history.notes, *_notes(history)))


def _notes(history: History) -> list[str]:
    missing = int((history.predictions == NO_DATA).sum())
    notes = [f"{missing} predictions are missing; they are shown grey and count nowhere."] if missing else []
    if len(history.epochs) == 1:
        notes.append("There is one epoch only, so nothing can be said of changes.")
    return notes


def _from_table(data: bytes, name: str) -> History:
    table = _table(data)
    if set(LONG) <= set(table.columns):
        return checked(_from_long(table, name))
    columns = [column for column in table.columns if str(column).startswith("epoch_")]
    if WIDE_FIRST in table.columns and "actual" in table.columns and columns:
        return checked(_from_wide(table, columns, name))
    raise DataError(f"Expected {WAYS}; got a table of {_names(table)}.")


def _from_long(table: pd.DataFrame, name: str) -> History:
    if "actual" not in table.columns:
        raise DataError("The table has no column actual with the true classes; add it.")
    twice = table.duplicated(["instance_id", "epoch"])
    if twice.any():
        row = table[twice].iloc[0]
        raise DataError(f"The picture {row['instance_id']!r} has two predictions for epoch {row['epoch']}; one is due.")
    if (table.groupby("instance_id")["actual"].nunique() > 1).any():
        raise DataError("A picture has several true classes; it has one in all its rows.")
    ids, rows = np.unique(table["instance_id"].astype(str), return_inverse=True)
    epochs, columns = _epochs(table["epoch"])
    labels, code = _classes(table["actual"], table["pred"])
    predictions = np.full((len(ids), len(epochs)), NO_DATA, np.int64)
    predictions[rows, columns] = code(table["pred"])
    actual = np.zeros(len(ids), np.int64)
    actual[rows] = code(table["actual"])
    images = None
    if "image" in table.columns:
        images = np.full(len(ids), "", object)
        images[rows] = table["image"].fillna("").astype(str)
    return History(name, labels, predictions, actual, ids, epochs, None if images is None else images.astype(np.str_))


def _from_wide(table: pd.DataFrame, columns: Sequence[str], name: str) -> History:
    ordered = sorted(columns, key=_place)
    labels, code = _classes(table["actual"], *(table[column] for column in ordered))
    predictions = np.stack([code(table[column]) for column in ordered], axis=1)
    ids = table[WIDE_FIRST].astype(str).to_numpy(np.str_)
    images = table["image"].fillna("").astype(str).to_numpy(np.str_) if "image" in table.columns else None
    epochs = tuple(str(column).removeprefix("epoch_") for column in ordered)
    return History(name, labels, predictions, code(table["actual"]), ids, epochs, images)


def _from_npz(data: bytes, name: str) -> History:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(
            "The npz is damaged, or holds Python objects, which are never opened. Save it again."
        ) from error
    if not {"predictions", "actual"} <= set(arrays):
        raise DataError(f"An npz of a history holds predictions and actual; got {', '.join(arrays) or 'nothing'}.")
    predictions, actual = (_whole(arrays[key], key) for key in ("predictions", "actual"))
    if predictions.ndim != 2 or actual.shape != predictions.shape[:1]:
        raise DataError(
            f"Expected predictions (pictures, epochs) and actual (pictures); got {predictions.shape}, {actual.shape}."
        )
    count, epochs = predictions.shape
    top = int(max(predictions.max(initial=0), actual.max(initial=0)))
    labels = _texts(arrays.get("labels"), top + 1) if "labels" in arrays else [f"class {n}" for n in range(top + 1)]
    return checked(
        History(
            name,
            tuple(labels),
            predictions,
            actual,
            np.array(_texts(arrays.get("ids"), count) if "ids" in arrays else [str(n) for n in range(count)]),
            tuple(_texts(arrays.get("epochs"), epochs) if "epochs" in arrays else [str(n) for n in range(epochs)]),
            np.array(_texts(arrays["images"], count)) if "images" in arrays else None,
            {key: arrays[key].astype(np.float64) for key in CURVES if key in arrays and arrays[key].shape == (epochs,)},
        )
    )


def _from_instance_flow(data: bytes, name: str) -> History:
    try:
        whole = json.loads(data)
        instances, epochs = whole["instances"], whole["epochs"]
        columns = [epoch["classifications"] for epoch in epochs]
        ids = [str(one["id"]) for one in instances]
        actual = np.array([one["actual"] for one in instances], np.int64)
        images = np.array([str(one.get("image", "")) for one in instances], np.str_)
        labels, named = tuple(map(str, whole["labels"])), tuple(str(epoch["id"]) for epoch in epochs)
        title = str(whole.get("name") or name)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DataError(
            "InstanceFlow's JSON has name, labels, instances (id, actual, image) and epochs (id, classifications); "
            "this file does not. Export it again."
        ) from error
    if uneven := [epoch for epoch, column in zip(named, columns, strict=True) if len(column) != len(ids)]:
        raise DataError(f"Epoch {uneven[0]} has not one classification for each of the {len(ids)} instances.")
    predictions = _whole(np.array(columns).T.reshape(len(ids), len(named)), "classifications")
    return checked(History(title, labels, predictions, actual, np.array(ids), named, images))


def _table(data: bytes) -> pd.DataFrame:
    try:
        return pd.read_csv(io.BytesIO(data), keep_default_na=True)
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise DataError(f"The file is no table that can be read. Expected {WAYS}.") from error


def _classes(*columns: Any) -> tuple[tuple[str, ...], Callable[[Any], Indices]]:
    """Return the labels of all columns, and what turns a column into class numbers, -1 where a cell is empty."""
    whole = pd.concat([pd.Series(column) for column in columns], ignore_index=True).dropna()
    numbers = pd.to_numeric(whole, errors="coerce")
    if len(whole) and not numbers.isna().any() and (numbers % 1 == 0).all() and (numbers >= 0).all():
        labels = tuple(f"class {n}" for n in range(int(numbers.max()) + 1))
        return labels, lambda column: pd.to_numeric(column).fillna(NO_DATA).to_numpy(np.int64)
    names = tuple(sorted(whole.astype(str).unique()))
    places = {label: place for place, label in enumerate(names)}
    return names, lambda column: np.array([NO_DATA if pd.isna(one) else places[str(one)] for one in column], np.int64)


def _epochs(column: Any) -> tuple[tuple[str, ...], Indices]:
    """Return the names of the epochs in order, and the number of each row's."""
    names, numbers = np.unique(column.to_numpy(), return_inverse=True)
    return tuple(f"{name:g}" if isinstance(name, float) else str(name) for name in names), numbers


def _place(column: str) -> tuple[int, str]:
    rest = str(column).removeprefix("epoch_")
    return (int(rest), "") if rest.isdigit() else (1 << 30, rest)


def _whole(array: np.ndarray, name: str) -> Indices:
    numbers = np.asarray(array)
    if numbers.dtype.kind not in "iu" and not (numbers.dtype.kind == "f" and (numbers == np.round(numbers)).all()):
        raise DataError(f"{name} must be whole numbers, the classes counted from 0; got {numbers.dtype}.")
    return numbers.astype(np.int64)


def _texts(array: Any, least: int) -> list[str]:
    found = [str(one) for one in np.asarray(array).ravel()]
    if len(found) < least:
        raise DataError(f"The file holds {len(found)} names where {least} are needed; give one for each.")
    return found


def _check_classes(numbers: Indices, classes: int, what: str) -> None:
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= classes):
        worst = int(numbers.min() if numbers.min() < 0 else numbers.max())
        raise DataError(f"There are {classes} classes, 0 to {classes - 1}, but a {what} is {worst}. Mend that cell.")


def _check_unique(ids: Iterable[Any], sentence: str) -> None:
    seen: set[str] = set()
    for one in map(str, ids):
        if one in seen:
            raise DataError(sentence.format(one[:60]))
        seen.add(one)


def _names(table: pd.DataFrame) -> str:
    return ", ".join(str(column)[:30] for column in table.columns[:8])
