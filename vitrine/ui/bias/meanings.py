"""Tables of numbers for each model, next to what each number means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import streamlit as st

from vitrine.ui.drawing.text import literal
from xai_core.bias.group_metric import ClassComparison, Comparison
from xai_core.bias.values import Value
from xai_core.wording import number

MEANING = "What it says"


def comparison_table(numbers: Mapping[str, Mapping[str, Value]], comparisons: Iterable[Comparison]) -> None:
    """Show comparisons of groups, by id, for each model, by name."""
    rows = [(each.id, each.title, each.meaning) for each in comparisons]
    _table({literal(name, 40): own for name, own in numbers.items()}, rows)


def class_comparison_table(numbers: Mapping[str, Value], comparisons: Iterable[ClassComparison]) -> None:
    """Show class-by-class comparisons, by id, summarised over all classes."""
    _table({"All classes": numbers}, [(each.id, each.title, each.summary_meaning) for each in comparisons])


def _table(columns: Mapping[str, Mapping[str, Value]], rows: Iterable[tuple[str, str, str]]) -> None:
    shown = {
        title: [*(number(column.get(key)) for column in columns.values()), meaning]
        for key, title, meaning in rows
        if any(key in column for column in columns.values())
    }
    st.table(pd.DataFrame.from_dict(shown, orient="index", columns=[*columns, MEANING]))
