"""How far groups lie apart in each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitrine.ui.charts import LIMIT, bars
from xai_core.bias.class_gaps import ClassGap, all_gaps
from xai_core.bias.groups import FOUR_FIFTHS
from xai_core.bias.settings import Settings
from xai_core.bias.wording import UNDEFINED, number, words

NO_PICTURE, NOBODY = "a group has no picture of it", "nothing was taken for it"
MEANINGS = {
    "opportunity_discrepancy": "Mean over the classes of the greatest difference of recall between groups.",
    "disparate_impact": "The class where the least share over the greatest is least.",
    "demographic_parity_difference": "The greatest difference between the shares of two groups taken for one class.",
}


def class_by_class(gaps: Sequence[ClassGap], settings: Settings) -> None:
    """Show the opportunity discrepancy and the disparate impact of every class, and of all in three figures."""
    st.markdown("**Class by class, each against the rest**")
    if any(one.demographic_parity_difference is not None for one in gaps):
        _apart(gaps, settings)
    with st.expander("Recall of every class and group"):
        st.dataframe(
            pd.DataFrame([{"Class": one.label} | one.recalls for one in gaps]),
            hide_index=True,
            placeholder=UNDEFINED,
            column_config={name: st.column_config.NumberColumn(format="%.3f") for name in gaps[0].recalls},
            key="bias.recalls",
            alt="Recall of every class and group",
        )


def _apart(gaps: Sequence[ClassGap], settings: Settings) -> None:
    told, drawn = st.columns(2), st.columns(2)  # charts begin at one height, however long what is told of them
    _discrepancies(gaps, settings, told[0], drawn[0])
    _impacts(gaps, settings, told[1], drawn[1])
    whole = asdict(all_gaps(gaps))
    rows = {words(name): [number(whole[name]), meaning] for name, meaning in MEANINGS.items()}
    st.table(pd.DataFrame.from_dict(rows, orient="index", columns=["All classes", "What it says"]))


def _discrepancies(gaps: Sequence[ClassGap], settings: Settings, told: DeltaGenerator, drawn: DeltaGenerator) -> None:
    known = [one for one in gaps if one.opportunity_discrepancy is not None]
    widest = sorted(known, key=lambda one: -(one.opportunity_discrepancy or 0))[: settings.classes_shown]
    more = _of(widest, gaps, known, NO_PICTURE)
    told.caption(f"Opportunity discrepancy: the greatest difference of recall between groups.{more}")
    if widest:
        values, names = [one.opportunity_discrepancy for one in widest], [one.label for one in widest]
        chart = bars(values, names, "Difference of recall")
        drawn.plotly_chart(chart, key="bias.chart.discrepancy", alt="Opportunity discrepancy by class")


def _impacts(gaps: Sequence[ClassGap], settings: Settings, told: DeltaGenerator, drawn: DeltaGenerator) -> None:
    known = [one for one in gaps if one.disparate_impact is not None]
    least = sorted(known, key=lambda one: one.disparate_impact or 0)[: settings.classes_shown]
    told.caption(f"Disparate impact, with the line of four fifths.{_of(least, gaps, known, NOBODY)}")
    if least:
        values, names = [one.disparate_impact for one in least], [one.label for one in least]
        chart = bars(values, names, "Least share over greatest")
        drawn.plotly_chart(_with_limit(chart), key="bias.chart.impact", alt="Disparate impact by class")


def _with_limit(chart: go.Figure) -> go.Figure:
    return chart.add_vline(x=FOUR_FIFTHS, line={"color": LIMIT, "dash": "dash", "width": 2})


def _of(shown: Sequence[ClassGap], gaps: Sequence[ClassGap], known: Sequence[ClassGap], why: str) -> str:
    parts = [f" The {len(shown)} worst of {len(known)} classes." if len(shown) < len(known) else ""]
    if absent := len(gaps) - len(known):
        told = "1 class is" if absent == 1 else f"{absent} classes are"
        parts.append(f" {told} {UNDEFINED}: {why}.")
    return "".join(parts)
