"""The label of each picture in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from xai_core.bias.numbers import Column
from xai_core.bias.reading import take
from xai_core.bias.table_files import texts_of
from xai_core.errors import DataError
from xai_core.types import Texts


def labels_of(columns: Mapping[str, Column], names: Sequence[str], used: set[str]) -> Texts:
    """Return the label of each row from the first column that has one of the names, and add it to `used`.

    Raises DataError if there is no such column, or a row has no label.
    """
    column = take(columns, [name.casefold() for name in names], used)
    if column is None:
        known = ", ".join(name for name in columns if name not in used) or "none"
        raise DataError(f"There is no column named {names[0]!r}. Say which column has the classes: {known}.")
    actual = texts_of(column)
    if (actual == "").any():
        raise DataError(f"Row {int(np.argmax(actual == '')) + 1} has no label. Add one, or remove the row.")
    return actual
