"""Loss, accuracy and other figures of each epoch, from a table or from TensorBoard's event files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from xai_core.errors import DataError
from xai_core.training import event_files
from xai_core.training.checking import LARGEST, MOST_CURVES
from xai_core.training.history import Doubles, History
from xai_core.training.tables import named_columns, read_table

STEPS = ("epoch", "step")
Points = tuple[Doubles, Doubles]


def read_curves(data: bytes, epochs: Sequence[str]) -> dict[str, Doubles]:
    """Read curves (E,) by name from a CSV with a row an epoch, or the scalars of an event file.

    A curve of as many values as there are epochs is taken in its order; a longer or shorter one goes by its epoch or
    step, where the names of the epochs are among them or it is among them. DataError where no curve fits.
    """
    if len(data) > LARGEST:
        raise DataError(f"The file has {len(data) >> 20} MB; at most {LARGEST >> 20} MB are read.")
    series = event_files.scalars(data) if event_files.is_event_file(data) else _columns(data)
    found = {name: values for name, points in series.items() if (values := _aligned(points, epochs)) is not None}
    if not found:
        told = ", ".join(f"{name[:30]} ({len(values)})" for name, (_, values) in list(series.items())[:6])
        raise DataError(
            f"A curve has one value for each of the {len(epochs)} epochs, or their numbers as its steps; got {told}."
        )
    return dict(list(found.items())[:MOST_CURVES])


def with_curves(history: History, curves: Mapping[str, Doubles]) -> History:
    """Return a history with further curves; one of a name that is taken gets a number."""
    together = dict(history.curves)
    for name, values in curves.items():
        free = (name, *(f"{name} ({n})" for n in range(2, MOST_CURVES + 2)))
        together[next((one for one in free if one not in together), name)] = values
    return replace(history, curves=together)


def _columns(data: bytes) -> dict[str, Points]:
    table = read_table(data)
    step = next((name for name in STEPS if name in table.columns), None)
    steps = _numbers(table[step]) if step else np.full(len(table), np.nan)
    numeric = {str(name): _numbers(table[name]) for name in table.columns if name not in STEPS}
    found = {name: (steps, values) for name, values in numeric.items() if not np.isnan(values).all()}
    if not found:
        raise DataError(
            "A table of curves has a row an epoch and columns of numbers such as train_loss and val_acc; got "
            f"{named_columns(table)}."
        )
    return found


def _numbers(column: pd.Series) -> Doubles:
    return np.asarray(pd.to_numeric(column, errors="coerce"), np.float64)


def _aligned(points: Points, epochs: Sequence[str]) -> Doubles | None:
    steps, values = points
    if len(values) == len(epochs):
        return values
    places = {_step(name): place for place, name in enumerate(epochs)}
    known = [(places[step], value) for step, value in zip(steps, values, strict=True) if step in places]
    if not known or len(known) not in (len(epochs), len(values)):
        return None
    aligned = np.full(len(epochs), np.nan)
    for place, value in known:
        aligned[place] = value
    return aligned


def _step(epoch: str) -> float:
    try:
        return float(epoch)
    except ValueError:
        return float("nan")
