"""Published tables to practise reading on."""

from __future__ import annotations

from dataclasses import fields

import pandas as pd
import streamlit as st

from vitrine.ui.text import literal
from xai_core.bias.published import PublishedModel, PublishedTable, published_tables
from xai_core.bias.wording import number, words

NOT_PRINTED = "not printed"
FIGURES = tuple(field.name for field in fields(PublishedModel) if field.name not in ("name", "heads"))


def published() -> None:
    """Show the published tables, each with what can be read from it, folded up."""
    st.markdown("**Practise reading**")
    st.caption("Figures as they were printed. What can be said of these models, and what can not? Then unfold.")
    for one in published_tables():
        st.markdown(f"{literal(one.title)}")
        st.table(_table(one))
        st.caption(literal(one.origin))
        with st.expander("What can be read from it"):
            st.markdown(literal(one.reading, 1000))


def _table(one: PublishedTable) -> pd.DataFrame:
    shown = [name for name in FIGURES if any(getattr(model, name) is not None for model in one.models)]
    rows = [[_printed(getattr(model, name)) for name in shown] + [_heads(model)] for model in one.models]
    columns = [*map(words, shown), "Accuracy of heads"]
    table = pd.DataFrame(rows, index=[literal(model.name) for model in one.models], columns=columns)
    return table if any(model.heads for model in one.models) else table[columns[:-1]]


def _heads(model: PublishedModel) -> str:
    return ", ".join(f"{literal(name)} {number(value)}" for name, value in model.heads.items()) or NOT_PRINTED


def _printed(value: float | None) -> str:
    return NOT_PRINTED if value is None else number(value)
