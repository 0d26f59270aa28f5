"""Check that a history is valid, and within the limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.errors import DataError
from xai_core.training.history import NO_DATA, History
from xai_core.types import Indices

LARGEST = 256 << 20  # bytes, packed as well as unpacked
MOST_CELLS = 5_000_000
MOST_EPOCHS = 10_000
MOST_CLASSES = 1000
MOST_CURVES = 12
LONGEST_SIDE = 512  # pixels of a thumbnail


def checked(history: History) -> History:
    """Return the history with notes on what the user should know. Raises DataError if its arrays do not fit."""
    shape = history.predictions.shape
    if len(shape) != 2 or shape[0] != len(history.actual) or shape[1] != len(history.epochs) or 0 in shape:
        raise DataError(
            f"A history has a row per picture and a column per epoch; got predictions of the shape {shape}."
        )
    check_cells(*shape)
    check_count(len(history.labels))
    check_classes(history.predictions, len(history.labels), "prediction")
    check_classes(history.actual, len(history.labels), "true class")
    _check_unique(list(map(str, history.ids)), "The picture {!r} occurs twice in the file. Give each one row.")
    _check_unique(list(history.epochs), "The epoch {!r} occurs twice in the file. Keep one of them.")
    return replace(history, notes=(*history.notes, *_notes(history)))


def check_cells(pictures: int, epochs: int) -> None:
    """Raise DataError if there are more epochs or predictions than the limits."""
    if epochs > MOST_EPOCHS:
        raise DataError(f"The history has {epochs:,} epochs; at most {MOST_EPOCHS:,} are read. Leave out epochs.")
    if pictures * epochs > MOST_CELLS:
        raise DataError(
            f"The history has {pictures:,} pictures x {epochs:,} epochs; at most {MOST_CELLS:,} predictions are read. "
            "Leave out pictures or epochs."
        )


def check_count(classes: int) -> None:
    """Raise DataError if there are more classes than the limit."""
    if classes > MOST_CLASSES:
        raise DataError(f"The history has {classes} classes; at most {MOST_CLASSES} are read.")


def check_classes(numbers: Indices, classes: int, kind: str) -> None:
    """Raise DataError if a number, other than -1 for no data, is not a class."""
    if not numbers.size or (numbers.min() >= NO_DATA and numbers.max() < classes):
        return
    worst = int(numbers.min() if numbers.min() < NO_DATA else numbers.max())
    raise DataError(f"There are {classes} classes, 0 to {classes - 1}, but a {kind} is {worst}. Fix that cell.")


def whole(array: Any, name: str) -> Indices:
    """Return whole numbers as integers, NaN as -1. Raises DataError for any other number."""
    numbers = np.asarray(array)
    if numbers.dtype.kind == "f":
        numbers = np.where(np.isnan(numbers), NO_DATA, numbers)
    if numbers.dtype.kind not in "iuf" or (numbers.dtype.kind == "f" and (numbers != np.round(numbers)).any()):
        raise DataError(f"The {name} must be whole numbers, the classes counted from 0; got {_offending(numbers)}.")
    if numbers.size and (numbers.min() < NO_DATA or numbers.max() > np.iinfo(np.int32).max):
        worst = numbers.min() if numbers.min() < NO_DATA else numbers.max()
        raise DataError(f"The {name} must be classes counted from 0, or -1 for no data; got {worst}.")
    return numbers.astype(np.int64)


def _offending(numbers: NDArray[Any]) -> str:
    """Return what is not a whole number, in words."""
    if numbers.dtype.kind == "f":
        return f"{numbers[numbers != np.round(numbers)][0]:g}"
    return "rows of uneven length" if numbers.dtype.kind == "O" else f"values of the type {numbers.dtype}"


def _check_unique(names: list[str], sentence: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(sentence.format(name[:60]))
        seen.add(name)


def _notes(history: History) -> list[str]:
    notes = []
    if missing := int((history.predictions == NO_DATA).sum()):
        notes.append(f"{missing} of {history.predictions.size} predictions are missing; they are grey and not counted.")
    if unknown := int((history.actual == NO_DATA).sum()):
        notes.append(f"The true class of {unknown} pictures is unknown, so whether they are right or wrong is n/a.")
    if len(history.epochs) == 1:
        notes.append("There is only one epoch, so everything about changes is n/a.")
    return notes
