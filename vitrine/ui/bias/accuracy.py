"""The accuracy of each group over all classes, and how far groups differ in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui.bias.meanings import comparison_table
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.charts import COLOURS, COUNT, FAINT, as_rows, intervals, largest, plain, readable, with_interval
from vitrine.ui.drawing.text import literal
from xai_core.bias.group_comparison import Group, GroupComparison
from xai_core.bias.group_metric import comparisons
from xai_core.bias.group_metrics.accuracy import ACCURACY
from xai_core.bias.groups import CROSSED

COLUMNS = ["Group", "Pictures", ACCURACY.title]


def accuracy_by_group(by_model: Mapping[str, GroupComparison], names: tuple[str, ...]) -> None:
    """Show the accuracy of each group for the first model, and how far groups differ for all models, by name."""
    st.markdown(f"**Accuracy by {literal(CROSSED.join(names), 80)}, over all classes**")
    groups = next(iter(by_model.values())).groups
    chart, table = st.columns([3, 2], vertical_alignment="center")
    chart.plotly_chart(readable(_chart(largest(groups))), key="bias.chart.accuracies", alt="Accuracy of each group")
    table.dataframe(
        pd.DataFrame([(group.name, group.pictures, _shown(group)) for group in groups], columns=COLUMNS),
        hide_index=True,
        column_config={
            "Pictures": st.column_config.NumberColumn(format=COUNT),
            ACCURACY.title: st.column_config.TextColumn(help=ACCURACY.meaning),
        },
        key="bias.accuracies",
        alt="Accuracy of each group",
    )
    comparison_table({name: own.between for name, own in by_model.items()}, comparisons("all classes"))


def widest_in_words(selection: Selection) -> str | None:
    """Say between which groups a model's accuracy differs most; None without groups."""
    name = selection.widest_attribute()
    if name is None:
        return None
    extremes = selection.compare((name,), selection.predictions.labels[0]).extremes(ACCURACY.id)
    if extremes is None:
        return None
    lowest, highest = (f"{literal(_shown(group))} for {literal(group.name, 40)}" for group in extremes)
    return f"By {literal(name, 40)}, accuracy ranges from {lowest} to {highest}."


def _shown(group: Group) -> str:
    rate = group.rates[ACCURACY.id]
    return with_interval(rate.value, rate.low, rate.high)


def _chart(groups: Sequence[Group]) -> go.Figure:
    chart = go.Figure()
    for colour, small in ((COLOURS[0], False), (FAINT, True)):
        places = [place for place, group in enumerate(groups) if group.small is small]
        rates = [groups[place].rates[ACCURACY.id] for place in places]
        texts = [
            f"{plain(groups[place].name)}: {groups[place].pictures:,} pictures<br>accuracy {_shown(groups[place])}"
            for place in places
        ]
        rows = [(rate.value, rate.low, rate.high) for rate in rates]
        chart.add_trace(intervals(rows, places, ACCURACY.title, colour, texts))
    chart.update_xaxes(title=ACCURACY.title, range=[-0.02, 1.02], zeroline=False)
    return as_rows(chart, [group.name for group in groups], row=30).update_layout(showlegend=False)
