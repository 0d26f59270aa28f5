"""Published tables to practise reading on."""

from __future__ import annotations

from dataclasses import fields

import pandas as pd
import streamlit as st

from vitrine.ui.drawing.text import literal
from xai_core.bias.published import PublishedModel, PublishedTable, published_tables
from xai_core.bias.summary import SUMMARY_METRICS
from xai_core.wording import number

NOT_PRINTED = "not printed"
PRINTED = {field.name for field in fields(PublishedModel)}
METRICS = [metric for metric in SUMMARY_METRICS if metric.id in PRINTED]


def published() -> None:
    """Show the published tables, collapsed, each with what it shows."""
    st.markdown("**Practise reading**")
    st.caption(
        "Published numbers, as printed. Decide what they show about these models and what they hide, then compare."
    )
    for table in published_tables():
        st.markdown(literal(table.title))
        st.table(_table(table))
        st.caption(literal(table.origin))
        with st.expander("What the numbers show"):
            st.markdown(literal(table.reading, 1000))


def _table(table: PublishedTable) -> pd.DataFrame:
    metrics = [m for m in METRICS if any(getattr(model, m.id) is not None for model in table.models)]
    rows = [[*(_printed(getattr(model, m.id)) for m in metrics), _heads(model)] for model in table.models]
    columns = [*(metric.title for metric in metrics), "Accuracy of heads"]
    frame = pd.DataFrame(rows, index=[literal(model.name) for model in table.models], columns=columns)
    return frame if any(model.heads for model in table.models) else frame[columns[:-1]]


def _heads(model: PublishedModel) -> str:
    return ", ".join(f"{literal(name)} {number(value)}" for name, value in model.heads.items()) or NOT_PRINTED


def _printed(value: float | None) -> str:
    return NOT_PRINTED if value is None else number(value)
