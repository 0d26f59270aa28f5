"""How far groups differ in each class."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitrine.ui.bias.meanings import class_comparison_table
from vitrine.ui.drawing.charts import LIMIT, bars, readable
from xai_core.bias.class_gaps import ClassGap, summarised
from xai_core.bias.group_metric import ClassComparison, GroupMetric, class_comparisons, class_metrics
from xai_core.wording import UNDEFINED

A_ROW = 3


def class_by_class(gaps: Sequence[ClassGap], classes_shown: int) -> None:
    """Show each class-by-class comparison of every class, and its summary over all classes."""
    st.markdown("**Class by class, each against the rest**")
    overall = summarised(gaps)
    if any(value is not None for value in overall.values()):
        _charts(gaps, classes_shown)
        class_comparison_table(overall, [each for _, each in class_comparisons()])
    for metric in class_metrics():
        _rates(gaps, metric)


def _charts(gaps: Sequence[ClassGap], classes_shown: int) -> None:
    declared = class_comparisons()
    for start in range(0, len(declared), A_ROW):
        captions, charts = st.columns(A_ROW), st.columns(A_ROW)  # align the charts, however long their captions
        for place, (metric, each) in enumerate(declared[start : start + A_ROW]):
            _chart(gaps, metric, each, classes_shown, captions[place], charts[place])


def _chart(
    gaps: Sequence[ClassGap],
    metric: GroupMetric,
    each: ClassComparison,
    classes_shown: int,
    caption: DeltaGenerator,
    chart: DeltaGenerator,
) -> None:
    known = [(gap.label, value) for gap in gaps if (value := gap.between[each.id]) is not None]
    worst = sorted(known, key=lambda pair: pair[1], reverse=each.worst == "highest")[:classes_shown]
    caption.caption(f"{each.title}: {each.meaning}{_missing(len(worst), len(known), len(gaps), metric)}")
    if worst:
        figure = bars([value for _, value in worst], [label for label, _ in worst], each.title)
        chart.plotly_chart(
            readable(_with_limit(figure, each)), key=f"bias.chart.{each.id}", alt=f"{each.title} by class"
        )


def _with_limit(chart: go.Figure, each: ClassComparison) -> go.Figure:
    if each.adverse_below is not None:
        chart.add_vline(x=each.adverse_below, line={"color": LIMIT, "dash": "dash", "width": 2})
    return chart


def _missing(shown: int, known: int, classes: int, metric: GroupMetric) -> str:
    worst = f" The {shown} worst of {known} classes." if shown < known else ""
    absent = classes - known
    if not absent:
        return worst
    lacking = "1 class is" if absent == 1 else f"{absent} classes are"
    return f"{worst} {lacking} {UNDEFINED}: {metric.title.lower()} is undefined or 0 in a group."


def _rates(gaps: Sequence[ClassGap], metric: GroupMetric) -> None:
    with st.expander(f"{metric.title} of every class and group"):
        st.dataframe(
            pd.DataFrame([{"Class": gap.label} | gap.by_group[metric.id] for gap in gaps]),
            hide_index=True,
            placeholder=UNDEFINED,
            column_config={name: st.column_config.NumberColumn(format="%.3f") for name in gaps[0].by_group[metric.id]},
            key=f"bias.every.{metric.id}",
            alt=f"{metric.title} of every class and group",
        )
