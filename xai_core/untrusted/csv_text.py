"""CSV: texts that a spreadsheet would run, and limits that are checked before a table is made."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Any

from xai_core.errors import DataError

LARGEST = 256 << 20  # bytes of a table
MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 200_000, 5_000, 64_000_000
TOO_LONG = "A row of the table has more values than the header has names. Fix it, or put texts with commas in quotes."
_RUN = re.compile(r"'*[=+\-@\t\r\n]")  # a spreadsheet runs a text that starts with one of these signs
_QUOTED = re.compile(r"'+[=+\-@\t\r\n]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def guarded(value: Any) -> Any:
    """Return a cell that no spreadsheet runs as a formula: a quote before its sign. Numbers stay as they are."""
    if isinstance(value, str) and _RUN.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def unguarded(text: str) -> str:
    """Undo `guarded`."""
    return text[1:] if _QUOTED.match(text) else text


def header_of(text: str, separator: str) -> list[str]:
    """Return the names in the first row, as they are written.

    Raises DataError if there are too many columns or cells, if two names are the same, or if the second row is longer
    than the first.
    """
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header, first = next(rows, []), next(rows, [])
    except csv.Error as error:
        raise DataError("The first rows cannot be read as CSV; a quote may be missing. Fix the file.") from error
    check_columns([name for name in header if name.strip()])
    if len(first) > len(header):
        raise DataError(TOO_LONG)
    check_cells(text.count("\n") + text.count("\r") - text.count("\r\n"), len(header))
    return header


def check_columns(names: list[str]) -> None:
    """Raise DataError if there are too many columns, or two have the same name."""
    if len(names) > MOST_COLUMNS:
        raise DataError(f"The table has {len(names)} columns; at most {MOST_COLUMNS} are read.")
    name, times = Counter(name.strip() for name in names).most_common(1)[0] if names else ("", 1)
    if times > 1:
        raise DataError(f"{times} columns are named {name[:40]!r}. Give every column its own name.")


def check_cells(rows: int, columns: int) -> None:
    """Raise DataError if a table has too many cells."""
    if rows * columns > MOST_CELLS:
        raise DataError(
            f"The table has {rows:,} rows and {columns:,} columns; at most {MOST_CELLS:,} cells are read. Use a random "
            "sample of the rows."
        )
