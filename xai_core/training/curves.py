"""Loss, accuracy and other figures of each epoch, from a table or from TensorBoard's event files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from xai_core.errors import DataError
from xai_core.training import event_files
from xai_core.training.checking import LARGEST, MOST_CURVES
from xai_core.training.epoch_axis import Axis, OnEpochs, Points, on_epochs
from xai_core.training.history import History
from xai_core.training.tables import named_columns, read_table
from xai_core.types import Doubles

EPOCH, STEPS = "epoch", ("epoch", "step")
LEFT_OUT = "neither one value an epoch nor steps that fit its epochs, so it is left out"


@dataclass(frozen=True)
class Curves:
    """Curves (E,) by name, NaN where there is no value. notes: how they were brought to the epochs, in sentences."""

    values: Mapping[str, Doubles]
    notes: tuple[str, ...] = ()


def read_curves(data: bytes, epochs: Sequence[str]) -> Curves:
    """Read curves from a CSV with a row an epoch or a batch, or the scalars of an event file.

    A curve of as many values as there are epochs is taken in its order; any other goes by its epochs or steps, as
    `on_epochs` says. DataError where no curve fits.
    """
    if len(data) > LARGEST:
        raise DataError(f"The file has {len(data) >> 20} MB; at most {LARGEST >> 20} MB are read.")
    series, axis = _scalars(data, epochs) if event_files.is_event_file(data) else _columns(data, epochs)
    brought = {name: on_epochs(points, axis) for name, points in series.items()}
    found = {name: one for name, one in brought.items() if one is not None}
    if not found:
        told = ", ".join(f"{name[:30]} ({len(values)})" for name, (_, values) in list(series.items())[:6])
        raise DataError(
            f"A curve has one value for each of the {len(epochs)} epochs, or their numbers as its steps, or values of "
            f"every batch; got {told}."
        )
    taken = dict(list(found.items())[:MOST_CURVES])
    notes = [f"{_some(names)}: {how}." for how, names in _by_way(taken).items()]
    notes += [f"{_some(others)}: {LEFT_OUT}."] if (others := [name for name in series if name not in found]) else []
    notes += [f"Of {len(found)} curves the first {MOST_CURVES} are taken."] if len(found) > MOST_CURVES else []
    return Curves({name: one.values for name, one in taken.items()}, tuple(notes))


def with_curves(history: History, curves: Curves) -> History:
    """Return a history with further curves and their notes; a curve of a name that is taken gets a number."""
    together = dict(history.curves)
    for name, values in curves.values.items():
        free = (name, *(f"{name} ({n})" for n in range(2, MOST_CURVES + 2)))
        together[next((one for one in free if one not in together), name)] = values
    new = tuple(note for note in curves.notes if note not in history.notes)
    return replace(history, curves=together, notes=(*history.notes, *new))


def _scalars(data: bytes, epochs: Sequence[str]) -> tuple[dict[str, Points], Axis]:
    """Return the scalars of an event file; one that is called epoch says to which epoch each step belongs."""
    series = event_files.scalars(data)
    noted = series.pop(EPOCH, None) if len(series) > 1 else None
    return series, Axis(tuple(epochs), noted=noted)


def _columns(data: bytes, epochs: Sequence[str]) -> tuple[dict[str, Points], Axis]:
    table = read_table(data)
    step = next((name for name in STEPS if name in table.columns and np.isfinite(_numbers(table[name])).all()), None)
    steps = _numbers(table[step]) if step else np.arange(len(table), dtype=np.float64)
    table, steps = table.iloc[np.argsort(steps, kind="stable")], np.sort(steps)
    numeric = {str(name): _numbers(table[name]) for name in table.columns if name not in STEPS}
    found = {name: (steps, values) for name, values in numeric.items() if not np.isnan(values).all()}
    if not found:
        raise DataError(
            "A table of curves has a row an epoch and columns of numbers such as train_loss and val_acc; got "
            f"{named_columns(table)}."
        )
    return found, Axis(tuple(epochs), steps_are_epochs=step == EPOCH, numbered=step is not None)


def _numbers(column: pd.Series) -> Doubles:
    return np.asarray(pd.to_numeric(column, errors="coerce"), np.float64)


def _by_way(found: Mapping[str, OnEpochs]) -> dict[str, list[str]]:
    """Return the names of curves by how they were brought to the epochs, where that is worth knowing."""
    ways: dict[str, list[str]] = {}
    for name, one in found.items():
        if one.how:
            ways.setdefault(one.how, []).append(name)
    return ways


def _some(names: Sequence[str]) -> str:
    return ", ".join(name[:40] for name in names[:4]) + (" and others" if len(names) > 4 else "")
