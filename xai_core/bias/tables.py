"""Bias metrics as CSV tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xai_core.bias.groups import CROSSED
from xai_core.untrusted.csv_text import guarded
from xai_core.wording import UNDEFINED

Row = Mapping[str, Any]
Cells = list[list[Any]]  # the header, then the rows


def csv_tables(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what `metrics` computed as CSV texts by file name; undefined values are "n/a", empty tables left out."""
    return {f"{name}.csv": _csv(rows) for name, rows in plain_tables(values).items()}


def plain_tables(values: Mapping[str, Any]) -> dict[str, Cells]:
    """Return what `metrics` computed as tables by name, each its header and its rows; empty tables are left out.

    Undefined values are None; several values in a cell are joined to a text.
    """
    tables = _of_classes(values) | _of_groups(values["groups"])
    tables |= {
        "summary": _cells([{"figure": name} | figure for name, figure in values["summary"].items()]),
        "calibration": _cells(values["calibration"]["bins"] if values["calibration"] else []),
        "leakage": _cells([{"attribute": name} | leak for name, leak in values["leakage"].items() if leak]),
        "heads": _cells(values["heads"]),
    }
    return {name: cells for name, cells in tables.items() if cells}


def _of_classes(values: Mapping[str, Any]) -> dict[str, Cells]:
    matrix = zip(values["labels"], values["confusion"], strict=True)
    return {
        "classes": _cells(values["classes"]),
        "confusion": [["true class", *values["labels"]], *([label, *row] for label, row in matrix)],
        "top_confusions": _cells(values["top_confusions"]),
    }


def _of_groups(groups: Mapping[str, Any]) -> dict[str, Cells]:
    named = [({"attribute": name}, group) for name, group in groups.items()]
    tables = {
        "fairness": _cells([of | {"class": group["positive"]} | group["fairness"] for of, group in named]),
        "all_classes": _cells([of | group["all_classes"] for of, group in named]),
    }
    for name, group in groups.items():
        tables[f"groups_{_file(name)}"] = _cells(map(_flat, group["by_group"]))
        tables[f"class_gaps_{_file(name)}"] = _cells(map(_flat, group["class_gaps"]))
    return tables


def _flat(row: Row) -> dict[str, Any]:
    """Return a row without nesting: {"recall": {"low": 0.1}} as {"recall_low": 0.1}; "value" adds no suffix."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        parts = value.items() if isinstance(value, Mapping) else [("value", value)]
        flat |= {name if part == "value" else f"{name}_{part}": number for part, number in parts}
    return flat


def _cells(rows: Iterable[Row]) -> Cells:
    """Return rows of the same names as a header and rows of cells; nothing without rows."""
    listed = list(rows)
    return [list(listed[0]), *(list(map(_joined, row.values())) for row in listed)] if listed else []


def _joined(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    return UNDEFINED if value is None else guarded(value)


def _file(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", name.replace(CROSSED, "_x_"))[:60]
