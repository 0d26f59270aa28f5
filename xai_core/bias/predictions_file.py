"""Predictions as a CSV that can be read again."""

from __future__ import annotations

import csv
import io

import numpy as np

from xai_core.bias.predictions import Predictions
from xai_core.bias.table_files import HEAD

PREDICTIONS = "predictions.csv"


def predictions_csv(found: Predictions) -> str:
    """Return predictions as a CSV that `read_predictions` takes: a row a picture.

    Columns: file, y_true, y_pred, prob_<label> and logits_<head>_<label> for each class, as far as there are such, and
    the attributes. Numbers have all digits of their 32 bits. Without probabilities a class that neither occurs nor is
    predicted is not in the file, and the classes are read in their natural order.
    """
    columns: dict[str, list[object]] = {} if found.files is None else {"file": found.files.tolist()}
    names = np.array(found.labels)
    columns |= {"y_true": names[found.truth].tolist(), "y_pred": names[found.predicted].tolist()}
    if found.probabilities is not None:
        shares = found.probabilities.astype(np.float32)
        columns |= {f"prob_{label}": list(map(str, column)) for label, column in zip(names, shares.T, strict=True)}
    for head, logits in found.heads.items():
        named = zip(names, logits.astype(np.float32).T, strict=True)
        columns |= {f"{HEAD}{head}_{label}": list(map(str, column)) for label, column in named}
    columns |= {name: values.tolist() for name, values in found.attributes.items()}
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([list(columns), *zip(*columns.values(), strict=True)])
    return buffer.getvalue()
