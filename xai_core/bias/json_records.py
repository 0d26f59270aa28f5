"""Read untrusted JSON as columns: a list of records, a record per line, or a list of values per column."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from xai_core.errors import DataError
from xai_core.untrusted.csv_text import MOST_ROWS, check_cells, check_columns
from xai_core.untrusted.texts import writable

LARGEST = 64 << 20  # bytes; Python's objects take many times as much
START = re.compile(r"\s*(\[\s*\{|\{\s*\")")
EXPECTED = (
    'The JSON is not a table. Expected a list of records, such as [{"y_true": "cat", "y_pred": "dog"}, ...], or one '
    "record per line."
)
_LARGEST_NUMBER = 2**63


def looks_like_json(text: str) -> bool:
    """Whether a text starts as records do."""
    return START.match(text) is not None


def frame_of_json(text: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the columns in order of appearance, and notes on those that are skipped. Raises DataError."""
    if len(text) > LARGEST:
        raise DataError(f"The JSON has {len(text) >> 20} MB; at most {LARGEST >> 20} MB are read. Save it as CSV.")
    try:
        columns = _columns(_content(text))
    except (ValueError, RecursionError) as error:
        raise DataError(EXPECTED) from error
    plain = {name: values for name, values in columns.items() if not any(map(_is_nested, values))}
    notes = tuple(f"The column {name[:40]} contains lists and was skipped." for name in columns if name not in plain)
    return pd.DataFrame({name: _series(values) for name, values in plain.items()}), notes


def _content(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data"):
            raise
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _columns(content: Any) -> dict[str, list[Any]]:
    """Return columns by name; ValueError if the content is neither records nor lists of the same length."""
    if isinstance(content, dict) and len(content) == 1 and _is_records(inner := next(iter(content.values()))):
        content = inner
    if isinstance(content, dict):
        columns = {str(name): list(v.values()) if isinstance(v, dict) else v for name, v in content.items()}
        if not all(isinstance(values, list) for values in columns.values()):
            raise ValueError("not a list per column")
        if len(lengths := {len(values) for values in columns.values()}) != 1:
            raise ValueError("lists of different lengths")
        _check(list(columns), *lengths)
        return {writable(name): values for name, values in columns.items()}
    if not _is_records(content):
        raise ValueError("not records")
    names = list(dict.fromkeys(name for record in content for name in record))
    _check(names, len(content))
    return {writable(name): [record.get(name) for record in content] for name in names}


def _is_records(content: Any) -> bool:
    return isinstance(content, list) and len(content) > 0 and all(isinstance(record, dict) for record in content)


def _check(names: list[str], rows: int) -> None:
    check_columns(names)
    if rows > MOST_ROWS:
        raise DataError(f"The table has {rows:,} rows; at most {MOST_ROWS:,} are read. Use a random sample.")
    check_cells(rows, len(names))


def _is_nested(value: Any) -> bool:
    return isinstance(value, list | dict)


def _series(values: Sequence[Any]) -> pd.Series[Any]:
    return pd.Series(list(map(_plain, values)), dtype=object).infer_objects()


def _plain(value: Any) -> Any:
    """Return a value as pandas takes it: texts without lone surrogates, huge integers as texts."""
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _LARGEST_NUMBER:
        return str(value)
    return value
