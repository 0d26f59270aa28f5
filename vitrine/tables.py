"""Small tables that read well in a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 20
UNDEFINED = "n/a"
SEPARATOR = "  "


class Table:
    """Rows of named values. `rows` holds one mapping per row; all have the same names in the same order."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows = tuple(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return as_text(self.rows)

    def _repr_html_(self) -> str:
        return as_html(self.rows)

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))


def as_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as aligned columns; rows beyond the first twenty are only counted."""
    if not rows:
        return "(empty)"
    cells = [list(rows[0]), *([cell(value) for value in row.values()] for row in rows[:MOST_ROWS])]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [isinstance(value, int | float) for value in rows[0].values()]
    lines = [_line(row, widths, right) for row in cells]
    return "\n".join([*lines, *_rest(rows)])


def as_html(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as an HTML table; rows beyond the first twenty are only counted."""
    if not rows:
        return "<p>(empty)</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell(value))}</td>' for value in row.values())}</tr>" for row in rows[:MOST_ROWS]
    )
    rest = "".join(f"<p>{line}</p>" for line in _rest(rows))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def cell(value: Any) -> str:
    """Format a value for a table: numbers with three significant digits, None as "n/a"."""
    if value is None or value != value:
        return UNDEFINED
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple | list):
        return ", ".join(map(cell, value))
    return str(value)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        text.rjust(width) if number else text.ljust(width)
        for text, width, number in zip(cells, widths, right, strict=True)
    )
    return SEPARATOR.join(padded).rstrip()


def _rest(rows: Sequence[Any]) -> list[str]:
    return [f"... and {len(rows) - MOST_ROWS} more rows"] if len(rows) > MOST_ROWS else []
