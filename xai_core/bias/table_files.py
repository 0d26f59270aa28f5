"""CSV, parquet and npz files from strangers as columns, within limits."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow import parquet

from xai_core.errors import DataError
from xai_core.types import Texts

LARGEST, LARGEST_UNPACKED = 256 << 20, 1 << 30  # bytes
MOST_ROWS, MOST_COLUMNS = 200_000, 5_000
PROBABILITIES = ("probabilities", "probs", "proba", "prob")
LABELS = ("labels", "classes", "class_names")
TRUTH = ("y_true", "true", "truth", "label", "actual", "target")
FILE = ("file", "files", "image", "filename", "path")
HEAD = "logits_"
TOO_LONG = (
    "A row of the table has more values than its first row has names. Mend it, or put texts with commas in quotes."
)
Column = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Table:
    """What a file holds: columns (n,) by name, and what only an npz can say as such.

    labels: the classes in the model's order. probabilities: (n, K). heads: logits (n, K) by the head's name. notes:
    what was left out.
    """

    columns: dict[str, Column]
    labels: tuple[str, ...] = ()
    probabilities: NDArray[Any] | None = None
    heads: dict[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_table(data: bytes, expected: str) -> Table:
    """Read the bytes of a file, told by its content; DataError where that fails, which says what was `expected`."""
    if len(data) > LARGEST:
        raise DataError(f"The file has {len(data) >> 20} MB; at most {LARGEST >> 20} MB are read. Split it.")
    try:
        if data.startswith(b"PK\3\4"):
            return _from_npz(data)
        return _from_frame(_from_parquet(data) if data.startswith(b"PAR1") else _from_csv(data))
    except DataError:
        raise
    except Exception as error:  # a parser may raise anything at all on bytes that only look like its format
        raise DataError(f"The file can not be read as CSV, parquet or npz. Expected {expected}.") from error


def texts_of(values: Column) -> Texts:
    """Return values as texts; whole numbers without a point, missing ones as ""."""
    missing = np.asarray(pd.isna(values), bool)
    if values.dtype.kind == "f" and (values[~missing] == np.round(values[~missing])).all():
        plain = [str(int(one)) if np.isfinite(one) else str(one) for one in np.where(missing, 0, values).tolist()]
    else:
        plain = [str(one).strip() for one in values.tolist()]
    return np.array(["" if gone else one for one, gone in zip(plain, missing, strict=True)], np.str_)


def _from_frame(frame: pd.DataFrame) -> Table:
    if len(frame) > MOST_ROWS:
        raise DataError(f"The table has more than {MOST_ROWS} rows, which is the limit. Draw a sample of it.")
    return Table({str(name).strip(): frame[name].to_numpy() for name in frame.columns})


def _from_parquet(data: bytes) -> pd.DataFrame:
    file = parquet.ParquetFile(io.BytesIO(data))
    _check_names([str(name) for name in file.schema_arrow.names])
    if file.metadata.num_rows > MOST_ROWS:
        raise DataError(f"The table has {file.metadata.num_rows} rows; at most {MOST_ROWS} are read. Draw a sample.")
    return file.read().to_pandas()


def _from_csv(data: bytes) -> pd.DataFrame:
    if b"\0" in data[:4096]:
        raise ValueError("not a text")
    text = _decoded(data).lstrip("\r\n")
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    header = next(rows, [])
    _check_names([name for name in header if name])
    if len(next(rows, [])) > len(header):  # pandas would take the first column for names of rows
        raise DataError(TOO_LONG)
    try:
        found = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            decimal="," if separator == ";" and re.search(r"\d,\d", text[:4096]) else ".",
            keep_default_na=False,  # a class may be called "NA" or "None"
            na_values=[""],
            nrows=MOST_ROWS + 1,
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        if "fields" not in str(error):
            raise
        raise DataError(TOO_LONG) from error
    return found[[name for name, given in zip(found.columns, header, strict=True) if given.strip()]]


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _check_names(names: Sequence[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise DataError(f"The table has {len(names)} columns; at most {MOST_COLUMNS} are read.")
    name, times = Counter(one.strip() for one in names).most_common(1)[0] if names else ("", 1)
    if times > 1:
        raise DataError(f"{times} columns are called {name[:40]!r}. Give each column a name of its own.")


def _from_npz(data: bytes) -> Table:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > LARGEST_UNPACKED:
        raise DataError(f"The npz would unpack to {size >> 20} MB; at most {LARGEST_UNPACKED >> 20} MB are read.")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    labels = _named_classes(arrays)
    columns = {name: array for name, array in arrays.items() if array.ndim == 1}
    whole = {name: array for name, array in arrays.items() if array.ndim == 2}
    heads = {name.removeprefix(HEAD): array for name, array in whole.items() if name.startswith(HEAD)}
    probabilities = next((whole[name] for name in PROBABILITIES if name in whole), None)
    _check_lengths({name: len(array) for name, array in arrays.items() if array.ndim in (1, 2)})
    used = {*columns, *(HEAD + name for name in heads), *PROBABILITIES}
    notes = tuple(f"The array {name} is no column, so it is left out." for name in arrays if name not in used)
    return Table(columns, labels, probabilities, heads, notes)


def _named_classes(arrays: dict[str, NDArray[Any]]) -> tuple[str, ...]:
    """Take the names of the classes out of the arrays; numbers by such a name are the true classes."""
    name = next((one for one in LABELS if one in arrays and arrays[one].ndim == 1), None)
    if name is None:
        return ()
    found = arrays.pop(name)
    if not set(arrays) & set(TRUTH) and found.dtype.kind in "iu":
        arrays["y_true"] = found
        return ()
    return tuple(str(one) for one in found)


def _check_lengths(lengths: dict[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        sizes = ", ".join(f"{name} {length}" for name, length in list(lengths.items())[:5])
        raise DataError(f"The arrays of the npz have different lengths ({sizes}); each has one entry a picture.")
    if lengths and max(lengths.values()) > MOST_ROWS:
        raise DataError(f"The table has {max(lengths.values())} rows; at most {MOST_ROWS} are read. Draw a sample.")
