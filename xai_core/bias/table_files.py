"""Read untrusted CSV, Excel, JSON, parquet and npz files as columns, within limits."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from xai_core.bias.json_records import frame_of_json, looks_like_json
from xai_core.bias.numbers import Column
from xai_core.bias.workbooks import OLD_EXCEL, SAVE_AS, frame_of_workbook, is_workbook
from xai_core.errors import DataError
from xai_core.types import Texts
from xai_core.untrusted.csv_text import (
    LARGEST,
    MOST_ROWS,
    TOO_LONG,
    check_cells,
    check_columns,
    header_of,
    unguarded,
)  # fmt: skip
from xai_core.untrusted.npz import Npz
from xai_core.untrusted.texts import decoded, text_array

LARGEST_UNPACKED = 1 << 30  # bytes
_SEEN = 1 << 20  # characters searched for a decimal comma
_DECIMAL_COMMA = re.compile(r"""[;\t"]-?\d+,\d+(?=[;\t\r\n"])""")
FORMATS = "CSV, xlsx, JSON, parquet or npz"
PROBABILITIES = ("probabilities", "probs", "proba", "prob")
LABELS = ("labels", "classes", "class_names")
TRUTH = ("y_true", "true", "truth", "label", "actual", "target")
FILE = ("file", "files", "image", "filename", "path")
HEAD, NUMBERS = "logits_", "biuf"  # kinds of NumPy types
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Table:
    """What a file contains: columns (n,) by name, and what only an npz can declare.

    labels: the classes in the model's order. probabilities: (n, K). heads: logits (n, K) by the head's name. notes:
    what was dropped, as sentences. scores: the columns that hold probabilities, by class; None if their names say so.
    """

    columns: dict[str, Column]
    labels: tuple[str, ...] = ()
    probabilities: NDArray[Any] | None = None
    heads: Arrays = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    scores: dict[str, str] | None = None

    def __len__(self) -> int:
        return max(map(len, (*self.columns.values(), *([] if self.probabilities is None else [self.probabilities]))))

    def at(self, rows: NDArray[np.bool_]) -> Table:
        """Return some of the rows, by a mask (n,)."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        heads = {name: values[rows] for name, values in self.heads.items()}
        matrix = None if self.probabilities is None else self.probabilities[rows]
        return replace(self, columns=columns, heads=heads, probabilities=matrix)


def read_table(data: bytes, expected: str) -> Table:
    """Read the bytes of a file, whose format is detected from the content.

    expected: what the file should contain, for the sentence of the DataError if it cannot be read.
    """
    if len(data) > LARGEST:
        raise DataError(f"The file has {len(data) >> 20} MB; at most {LARGEST >> 20} MB are read. Split it.")
    try:
        return _read(data)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # a parser can raise any error on bytes that only look like its format
        raise DataError(f"The file cannot be read as {FORMATS}. Expected {expected}.") from error


def _read(data: bytes) -> Table:
    if data.startswith(b"PK\3\4"):
        return _from_frame(*frame_of_workbook(data)) if is_workbook(data) else _from_npz(data)
    if data.startswith(b"PAR1"):
        return _from_parquet(data)
    if data.startswith(OLD_EXCEL):
        raise DataError(f"This is an old Excel file (xls). {SAVE_AS}")
    text = decoded(data)
    if "\0" in text[:4096]:
        raise ValueError("not a text")
    return _from_frame(*frame_of_json(text)) if looks_like_json(text) else _from_frame(_from_csv(text))


def texts_of(values: Column) -> Texts:
    """Return values as texts: whole numbers without a decimal point, missing ones as "".

    Raises DataError if one is too long.
    """
    missing = np.asarray(pd.isna(values), bool)
    if values.dtype.kind == "f" and (values[~missing] == np.round(values[~missing])).all():
        filled = np.where(missing, 0, values).tolist()
        texts = [str(int(value)) if np.isfinite(value) else str(value) for value in filled]
    else:
        texts = [unguarded(str(value)).strip() for value in values.tolist()]
    known = ["" if gone else text for text, gone in zip(texts, missing, strict=True)]
    return text_array(known, "a column")


def _from_frame(frame: pd.DataFrame, notes: tuple[str, ...] = ()) -> Table:
    return Table({_shown(str(name)): frame[name].to_numpy() for name in frame.columns}, notes=notes)


def _shown(name: str) -> str:
    """Return a column's name on one line, as it is displayed; cells of Excel may hold several lines."""
    return unguarded("".join(sign if sign.isprintable() else " " for sign in name).strip())


def _from_parquet(data: bytes) -> Table:
    """Read the columns of numbers and texts; what their pages claim is checked before they are unpacked."""
    file = parquet.ParquetFile(io.BytesIO(data))
    schema = file.schema_arrow
    check_columns(list(map(str, schema.names)))
    check_rows(file.metadata.num_rows)
    check_cells(file.metadata.num_rows, len(schema.names))
    kept = [field.name for field in schema if not pa.types.is_nested(field.type)]
    notes = tuple(
        f"The column {field.name[:40]} contains lists and was skipped." for field in schema if field.name not in kept
    )
    return _from_frame(file.read(kept, use_threads=False).to_pandas(use_threads=False), notes)


def _from_csv(text: str) -> pd.DataFrame:
    text = text.lstrip("\r\n")
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    header = header_of(text, separator)
    try:
        frame = _parsed(text, separator)
    except pd.errors.ParserError as error:
        if "fields" not in str(error):
            raise
        raise DataError(TOO_LONG) from error
    if len(frame) > MOST_ROWS:
        raise DataError(f"The table has more than {MOST_ROWS:,} rows. Use a random sample of it.")
    return frame[[column for column, name in zip(frame.columns, header, strict=True) if name.strip()]]


def _parsed(text: str, separator: str) -> pd.DataFrame:
    return pd.read_csv(
        io.StringIO(text),
        sep=separator,
        decimal="," if separator in ";\t" and _DECIMAL_COMMA.search(text, 0, _SEEN) else ".",
        keep_default_na=False,  # a class may be called "NA" or "None"
        na_values=[""],
        nrows=MOST_ROWS + 1,
        low_memory=False,
    )


def check_rows(rows: int) -> None:
    """Raise DataError if a table has more rows than are read."""
    if rows > MOST_ROWS:
        raise DataError(f"The table has {rows:,} rows; at most {MOST_ROWS:,} are read. Use a random sample.")


def _from_npz(data: bytes) -> Table:
    arrays = _arrays(data)
    labels = _class_names(arrays)
    columns = {name: array for name, array in arrays.items() if array.ndim == 1}
    matrices = {name: array for name, array in arrays.items() if array.ndim == 2 and array.dtype.kind in NUMBERS}
    heads = {name.removeprefix(HEAD): array for name, array in matrices.items() if name.startswith(HEAD)}
    probabilities = next((matrices[name] for name in PROBABILITIES if name in matrices), None)
    _check_lengths({name: len(array) for name, array in (columns | matrices).items()})
    used = {*columns, *(HEAD + name for name in heads), *PROBABILITIES}
    notes = tuple(f"The array {name} is not a column and was skipped." for name in arrays if name not in used)
    return Table(columns, labels, probabilities, heads, notes)


def _arrays(data: bytes) -> Arrays:
    """Return the arrays of an npz; their unpacked size is checked before any is unpacked."""
    file = Npz(data)
    size = sum(file.sizes.values())
    if size > LARGEST_UNPACKED:
        raise DataError(f"The npz would unpack to {size >> 20} MB; at most {LARGEST_UNPACKED >> 20} MB are read.")
    return file.arrays()


def _class_names(arrays: Arrays) -> tuple[str, ...]:
    """Take the class names out of the arrays; without true classes, an array of whole numbers becomes those."""
    key = next((name for name in LABELS if name in arrays and arrays[name].ndim == 1), None)
    if key is None:
        return ()
    values = arrays.pop(key)
    if not set(arrays) & set(TRUTH) and values.dtype.kind in "iu":
        arrays["y_true"] = values
        return ()
    return tuple(map(str, values))


def _check_lengths(lengths: dict[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        sizes = ", ".join(f"{name} {length}" for name, length in list(lengths.items())[:5])
        raise DataError(f"The arrays of the npz differ in length ({sizes}); each needs one entry per picture.")
    check_rows(max(lengths.values(), default=0))
