"""Read the first sheet of an untrusted Excel workbook (xlsx) as columns."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pandas as pd

from xai_core.errors import DataError
from xai_core.untrusted.csv_text import MOST_COLUMNS, MOST_ROWS, check_cells, check_columns
from xai_core.untrusted.zips import ENCRYPTED, UNREADABLE, opened_zip

MOST_PARTS, LARGEST_PARTS = 1_000, 128 << 20  # bytes of all parts, unpacked
WORKBOOK, OPEN_DOCUMENT = "xl/workbook", "mimetype"  # how names of entries start
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
SAVE_AS = "Save the sheet as xlsx or CSV."
_DAMAGED = "The workbook is damaged. Save it again as xlsx or CSV."
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,9})(\d{1,12})["']""")  # r="AB12" of a cell, r="12" of a row
_LETTERS = 26


def is_workbook(data: bytes) -> bool:
    """Whether a zip contains an Excel workbook. Raises DataError for an OpenDocument file."""
    try:
        names = opened_zip(data, MOST_PARTS).namelist()
    except UNREADABLE:
        return False
    if names[:1] == [OPEN_DOCUMENT]:
        raise DataError(f"This is an OpenDocument file. {SAVE_AS}")
    return any(name.startswith(WORKBOOK) for name in names)


def frame_of_workbook(data: bytes) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the first sheet that contains anything, and notes; the first row holds the names. Raises DataError.

    The reader makes a grid up to the last cell, so every cell's place is checked before it starts.
    """
    _check_parts(data)
    from python_calamine import CalamineError, CalamineWorkbook  # most files are no workbooks

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in workbook.sheet_names:
            if rows := workbook.get_sheet_by_name(name).to_python(skip_empty_area=True):
                return _frame(rows), _notes(name, len(workbook.sheet_names))
    except CalamineError as error:
        raise DataError(_DAMAGED) from error
    except BaseException as error:  # a panic of the reader, which is written in Rust, is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise DataError(_DAMAGED) from error
    raise DataError("The workbook is empty. Expected a sheet whose first row holds the names of the columns.")


def _check_parts(data: bytes) -> None:
    archive = opened_zip(data, MOST_PARTS)
    entries = archive.infolist()
    if any(entry.flag_bits & ENCRYPTED for entry in entries):
        raise DataError("The workbook is encrypted. Save it without a password.")
    if (size := sum(entry.file_size for entry in entries)) > LARGEST_PARTS:
        raise DataError(
            f"The workbook unpacks to {size >> 20} MB; at most {LARGEST_PARTS >> 20} MB are read. Save it as CSV."
        )
    try:
        for entry in entries:
            _check_places(archive.read(entry))
    except (zipfile.BadZipFile, *UNREADABLE) as error:
        raise DataError(_DAMAGED) from error


def _check_places(part: bytes) -> None:
    """Raise DataError if a cell lies beyond what is read of a table."""
    last_row = last_column = 0
    for place in _PLACE.finditer(part):
        last_row, last_column = max(last_row, int(place[2])), max(last_column, _column(place[1]))
    if last_row > MOST_ROWS + 1:
        raise DataError(f"The sheet has {last_row:,} rows; at most {MOST_ROWS:,} are read. Use a random sample.")
    if last_column > MOST_COLUMNS:
        raise DataError(f"The sheet has {last_column:,} columns; at most {MOST_COLUMNS:,} are read.")
    check_cells(last_row, last_column)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * _LETTERS + letter - ord("A") + 1
    return number


def _frame(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    names = [str(_plain(cell)).strip() if _plain(cell) is not None else "" for cell in rows[0]]
    check_columns([name for name in names if name])
    check_cells(len(rows), len(names))
    columns = list(zip(*rows[1:], strict=True)) or [()] * len(names)
    named = {name: [_plain(cell) for cell in column] for name, column in zip(names, columns, strict=True) if name}
    return pd.DataFrame({name: pd.Series(values, dtype=object).infer_objects() for name, values in named.items()})


def _plain(cell: Any) -> Any:
    """Return a cell as a number or a text, None if it is empty; whole numbers without a decimal point."""
    if isinstance(cell, datetime | date | time | timedelta):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return None if cell == "" else cell


def _notes(name: str, sheets: int) -> tuple[str, ...]:
    return (f"The workbook has {sheets} sheets; {name[:40]!r} was read.",) if sheets > 1 else ()
