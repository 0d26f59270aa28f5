"""Read untrusted CSV, parquet and npz files as columns, within limits."""

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
TOO_LONG = "A row of the table has more values than the header has names. Fix it, or put texts with commas in quotes."
Column = NDArray[Any]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Table:
    """What a file contains: columns (n,) by name, and what only an npz can declare.

    labels: the classes in the model's order. probabilities: (n, K). heads: logits (n, K) by the head's name. notes:
    what was dropped, as sentences.
    """

    columns: dict[str, Column]
    labels: tuple[str, ...] = ()
    probabilities: NDArray[Any] | None = None
    heads: Arrays = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_table(data: bytes, expected: str) -> Table:
    """Read the bytes of a file, whose format is detected from the content.

    expected: what the file should contain, for the sentence of the DataError if it cannot be read.
    """
    if len(data) > LARGEST:
        raise DataError(f"The file has {len(data) >> 20} MB; at most {LARGEST >> 20} MB are read. Split it.")
    try:
        if data.startswith(b"PK\3\4"):
            return _from_npz(data)
        return _from_frame(_from_parquet(data) if data.startswith(b"PAR1") else _from_csv(data))
    except DataError:
        raise
    except Exception as error:  # a parser can raise any error on bytes that only look like its format
        raise DataError(f"The file cannot be read as CSV, parquet or npz. Expected {expected}.") from error


def texts_of(values: Column) -> Texts:
    """Return values as texts: whole numbers without a decimal point, missing ones as ""."""
    missing = np.asarray(pd.isna(values), bool)
    if values.dtype.kind == "f" and (values[~missing] == np.round(values[~missing])).all():
        filled = np.where(missing, 0, values).tolist()
        texts = [str(int(value)) if np.isfinite(value) else str(value) for value in filled]
    else:
        texts = [str(value).strip() for value in values.tolist()]
    return np.array(["" if gone else text for text, gone in zip(texts, missing, strict=True)], np.str_)


def _from_frame(frame: pd.DataFrame) -> Table:
    if len(frame) > MOST_ROWS:
        raise DataError(f"The table has more than {MOST_ROWS} rows. Use a random sample of it.")
    return Table({str(name).strip(): frame[name].to_numpy() for name in frame.columns})


def _from_parquet(data: bytes) -> pd.DataFrame:
    file = parquet.ParquetFile(io.BytesIO(data))
    _check_names([str(name) for name in file.schema_arrow.names])
    _check_rows(file.metadata.num_rows)
    return file.read().to_pandas()


def _from_csv(data: bytes) -> pd.DataFrame:
    if b"\0" in data[:4096]:
        raise ValueError("not a text")
    text = _decoded(data).lstrip("\r\n")
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    header = _header(text, separator)
    try:
        frame = _parsed(text, separator)
    except pd.errors.ParserError as error:
        if "fields" not in str(error):
            raise
        raise DataError(TOO_LONG) from error
    return frame[[column for column, name in zip(frame.columns, header, strict=True) if name.strip()]]


def _header(text: str, separator: str) -> list[str]:
    """Return the names in the first row; DataError if they are too many, repeated, or fewer than the values below."""
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    header = next(rows, [])
    _check_names([name for name in header if name])
    if len(next(rows, [])) > len(header):  # pandas would use the first column as row names
        raise DataError(TOO_LONG)
    return header


def _parsed(text: str, separator: str) -> pd.DataFrame:
    return pd.read_csv(
        io.StringIO(text),
        sep=separator,
        decimal="," if separator == ";" and re.search(r"\d,\d", text[:4096]) else ".",
        keep_default_na=False,  # a class may be called "NA" or "None"
        na_values=[""],
        nrows=MOST_ROWS + 1,
        low_memory=False,
    )


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _check_names(names: Sequence[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise DataError(f"The table has {len(names)} columns; at most {MOST_COLUMNS} are read.")
    name, times = Counter(each.strip() for each in names).most_common(1)[0] if names else ("", 1)
    if times > 1:
        raise DataError(f"{times} columns are named {name[:40]!r}. Give every column its own name.")


def _check_rows(rows: int) -> None:
    if rows > MOST_ROWS:
        raise DataError(f"The table has {rows} rows; at most {MOST_ROWS} are read. Use a random sample.")


def _from_npz(data: bytes) -> Table:
    arrays = _arrays(data)
    labels = _class_names(arrays)
    columns = {name: array for name, array in arrays.items() if array.ndim == 1}
    matrices = {name: array for name, array in arrays.items() if array.ndim == 2}
    heads = {name.removeprefix(HEAD): array for name, array in matrices.items() if name.startswith(HEAD)}
    probabilities = next((matrices[name] for name in PROBABILITIES if name in matrices), None)
    _check_lengths({name: len(array) for name, array in (columns | matrices).items()})
    used = {*columns, *(HEAD + name for name in heads), *PROBABILITIES}
    notes = tuple(f"The array {name} is not a column and was skipped." for name in arrays if name not in used)
    return Table(columns, labels, probabilities, heads, notes)


def _arrays(data: bytes) -> Arrays:
    """Return the arrays of an npz; their unpacked size is checked before any is unpacked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > LARGEST_UNPACKED:
        raise DataError(f"The npz would unpack to {size >> 20} MB; at most {LARGEST_UNPACKED >> 20} MB are read.")
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


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
    _check_rows(max(lengths.values(), default=0))
