"""Write predictions as a CSV that can be read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

import numpy as np

from xai_core.bias.predictions import Predictions
from xai_core.bias.table_files import HEAD
from xai_core.types import Floats
from xai_core.untrusted.csv_text import guarded

PREDICTIONS = "predictions.csv"
Column = tuple[str, Sequence[object]]


def predictions_csv(predictions: Predictions) -> str:
    """Return predictions as a CSV that `read_predictions` reads: a row per picture.

    Columns: file, y_true, y_pred, prob_<label> and logits_<head>_<label> for each class, as far as they are known,
    and the attributes. A text that a spreadsheet would run gets a quote, which is dropped when it is read. Numbers
    keep all digits of their 32 bits. Without probabilities, a class that neither occurs nor is predicted is not in
    the file, and the classes are read back in natural order.
    """
    columns = dict(_columns(predictions))
    buffer = io.StringIO()
    header = list(map(guarded, columns))
    csv.writer(buffer, lineterminator="\n").writerows([header, *zip(*columns.values(), strict=True)])
    return buffer.getvalue()


def _columns(predictions: Predictions) -> Iterator[Column]:
    labels = np.array(list(map(guarded, predictions.labels)))
    if predictions.files is not None:
        yield "file", list(map(guarded, predictions.files.tolist()))
    yield "y_true", labels[predictions.truth].tolist()
    yield "y_pred", labels[predictions.predicted].tolist()
    if predictions.probabilities is not None:
        yield from _by_class("prob_", predictions.labels, predictions.probabilities)
    for head, logits in predictions.heads.items():
        yield from _by_class(f"{HEAD}{head}_", predictions.labels, logits)
    for name, values in predictions.attributes.items():
        yield name, list(map(guarded, values.tolist()))


def _by_class(prefix: str, labels: Sequence[str], values: Floats) -> Iterator[Column]:
    for label, column in zip(labels, values.astype(np.float32).T, strict=True):
        yield f"{prefix}{label}", list(map(str, column))
