"""Loss, accuracy and other numbers of each epoch, from a table or from TensorBoard's event files."""

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
from xai_core.wording import some

EPOCH, STEPS = "epoch", ("epoch", "step")
DROPPED = "dropped, since it has neither one value per epoch nor steps that match the epochs"


@dataclass(frozen=True)
class Curves:
    """Curves (E,) by name, NaN where there is no value. notes: how they were aligned with the epochs, as sentences."""

    values: Mapping[str, Doubles]
    notes: tuple[str, ...] = ()


def read_curves(data: bytes, epochs: Sequence[str]) -> Curves:
    """Read curves from a CSV with a row per epoch or batch, or the scalars of an event file.

    A curve with as many values as epochs is used in order; any other is aligned by its epochs or steps, see
    `on_epochs`. Raises DataError if no curve fits.
    """
    if len(data) > LARGEST:
        raise DataError(f"The file has {len(data) >> 20} MB; at most {LARGEST >> 20} MB are read.")
    series, axis = _scalars(data, epochs) if event_files.is_event_file(data) else _columns(data, epochs)
    aligned = {name: curve for name, points in series.items() if (curve := on_epochs(points, axis)) is not None}
    if not aligned:
        got = ", ".join(f"{name[:30]} ({len(values)})" for name, (_, values) in list(series.items())[:6])
        raise DataError(
            f"A curve needs one value for each of the {len(epochs)} epochs, steps that are the epochs' numbers, or "
            f"values for every batch; got {got}."
        )
    kept = dict(list(aligned.items())[:MOST_CURVES])
    dropped = [name for name in series if name not in aligned]
    return Curves({name: curve.values for name, curve in kept.items()}, tuple(_notes(kept, dropped, len(aligned))))


def _notes(kept: Mapping[str, OnEpochs], dropped: Sequence[str], aligned: int) -> list[str]:
    notes = [f"{some(names)}: {how}." for how, names in _by_alignment(kept).items()]
    notes += [f"{some(dropped)}: {DROPPED}."] if dropped else []
    return notes + ([f"Only the first {MOST_CURVES} of {aligned} curves are used."] if aligned > MOST_CURVES else [])


def with_curves(history: History, curves: Curves) -> History:
    """Return a history with additional curves and their notes; a curve whose name is taken gets a number."""
    together = dict(history.curves)
    for name, values in curves.values.items():
        names = (name, *(f"{name} ({n})" for n in range(2, MOST_CURVES + 2)))
        together[next((free for free in names if free not in together), name)] = values
    new = tuple(note for note in curves.notes if note not in history.notes)
    return replace(history, curves=together, notes=(*history.notes, *new))


def _scalars(data: bytes, epochs: Sequence[str]) -> tuple[dict[str, Points], Axis]:
    """Return the scalars of an event file; one named epoch says to which epoch each step belongs."""
    series = event_files.scalars(data)
    recorded = series.pop(EPOCH, None) if len(series) > 1 else None
    return series, Axis(tuple(epochs), recorded=recorded)


def _columns(data: bytes, epochs: Sequence[str]) -> tuple[dict[str, Points], Axis]:
    table = read_table(data)
    step = next((name for name in STEPS if name in table.columns and np.isfinite(_numbers(table[name])).all()), None)
    steps = _numbers(table[step]) if step else np.arange(len(table), dtype=np.float64)
    table, steps = table.iloc[np.argsort(steps, kind="stable")], np.sort(steps)
    numeric = {str(name): _numbers(table[name]) for name in table.columns if name not in STEPS}
    series = {name: (steps, values) for name, values in numeric.items() if not np.isnan(values).all()}
    if not series:
        raise DataError(
            "A table of curves has a row per epoch and columns of numbers such as train_loss and val_acc; got "
            f"{named_columns(table)}."
        )
    return series, Axis(tuple(epochs), steps_are_epochs=step == EPOCH, numbered=step is not None)


def _numbers(column: pd.Series) -> Doubles:
    return np.asarray(pd.to_numeric(column, errors="coerce"), np.float64)


def _by_alignment(curves: Mapping[str, OnEpochs]) -> dict[str, list[str]]:
    """Return the names of curves by how they were aligned with the epochs, if that is worth knowing."""
    names: dict[str, list[str]] = {}
    for name, curve in curves.items():
        if curve.how:
            names.setdefault(curve.how, []).append(name)
    return names
