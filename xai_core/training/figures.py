"""The measures of a history as tables, for the page and as CSV; undefined values are None, "n/a" in a file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from xai_core.training.history import NO_DATA, History
from xai_core.training.measures import EpochMeasures, InstanceMeasures
from xai_core.types import Doubles, Indices
from xai_core.untrusted.csv_text import guarded
from xai_core.wording import UNDEFINED


def instance_table(history: History, measures: InstanceMeasures, numbers: Indices) -> pd.DataFrame:
    """Return a row for each of the pictures (m,), in order, with confidence if the history has it."""
    table = pd.DataFrame(
        {
            "picture": history.ids[numbers],
            "true class": _names(history, history.actual[numbers]),
            "last prediction": _names(history, history.predictions[numbers, -1]),
            "misclassification rate": _defined(measures.misclassification_rate[numbers]),
            "changes": _counts(measures.changes[numbers]),
            "frequency": _defined(measures.frequency[numbers]),
            "classes visited": _counts(measures.visited[numbers]),
            "variability": _defined(measures.variability[numbers]),
            "forgetting events": _counts(measures.forgetting[numbers]),
            "first correct epoch": _epoch_names(history, measures.first_correct[numbers]),
        }
    )
    if history.confidence is not None:
        table["mean confidence"] = _defined(measures.confidence[numbers])
    return table


def epoch_table(history: History, measures: EpochMeasures) -> pd.DataFrame:
    """Return a row for each epoch: accuracy and churn of the pictures, and the curves."""
    table = pd.DataFrame({"epoch": history.epochs, "accuracy": measures.accuracy, "churn": [None, *measures.churn]})
    if history.confidence is not None:
        table["confidence"] = measures.confidence
    for name, values in history.curves.items():
        table[name if name not in table else f"{name} (curve)"] = values
    return table


def as_csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV of full precision; a text that a spreadsheet would run gets a quote."""
    columns = {
        guarded(name): column.map(guarded) if column.dtype == object else column for name, column in _columns(table)
    }
    text: str = pd.DataFrame(columns).to_csv(index=False, na_rep=UNDEFINED)
    return text.encode()


def _columns(table: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Yield the columns by name, those of texts as objects."""
    for name, column in table.items():
        yield str(name), column.astype(object) if pd.api.types.is_string_dtype(column) else column


def _names(history: History, classes: Indices) -> list[str | None]:
    return [None if label == NO_DATA else history.labels[label] for label in classes]


def _defined(values: object) -> pd.Series:
    return pd.Series(values, dtype="Float64")


def _counts(values: object) -> pd.Series:
    return pd.Series(values, dtype="Float64").astype("Int64")


def _epoch_names(history: History, places: Doubles) -> pd.Series:
    """Return the names of epochs, as numbers if all of them are; None for NaN."""
    names = [None if np.isnan(place) else history.epochs[int(place)] for place in places.tolist()]
    numbers = pd.to_numeric(pd.Series(names, dtype="object"), errors="coerce")
    numeric = numbers.notna().sum() == sum(name is not None for name in names)
    return numbers.astype("Float64") if numeric else pd.Series(names, dtype="object")
