"""The accuracy of each group about all classes, and how far groups lie apart in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui.bias.filters import Part, values_of
from vitrine.ui.charts import COLOURS, FAINT, apart_table, as_rows, intervals, largest, plain, with_interval
from vitrine.ui.text import literal
from xai_core.bias.group_accuracy import Accuracies, GroupAccuracy, accuracies, widest
from xai_core.bias.groups import CROSSED, grouped
from xai_core.bias.settings import Settings

MEANINGS = {
    "accuracy_difference": "The accuracies' greatest difference. It hides which kind of error differs.",
    "accuracy_std": "How far the groups' accuracies lie apart (their standard deviation).",
}


def accuracies_of(part: Part, names: tuple[str, ...], settings: Settings) -> Accuracies:
    """Return the accuracies of the groups that some attributes make, worked out once."""
    key = ("accuracies", names, *_what(settings))
    return part.once(key, lambda found: accuracies(found, grouped(found, names), settings))


def accuracy_by_group(found: Mapping[str, Accuracies], names: tuple[str, ...]) -> None:
    """Show the accuracy of each group of the first model, and how far groups lie apart for all models, by name."""
    st.markdown(f"**Accuracy by {literal(CROSSED.join(names), 80)}, about all classes**")
    groups = next(iter(found.values())).groups
    chart, table = st.columns([3, 2], vertical_alignment="center")
    chart.plotly_chart(_chart(largest(groups)), key="bias.chart.accuracies", alt="Accuracy of each group")
    rows = [
        (one.name, one.samples, with_interval(one.accuracy.value, one.accuracy.low, one.accuracy.high))
        for one in groups
    ]
    table.dataframe(
        pd.DataFrame(rows, columns=["Group", "Pictures", "Accuracy"]),
        hide_index=True,
        column_config={"Accuracy": st.column_config.TextColumn(help="share of the group taken for its class")},
        key="bias.accuracies",
        alt="Accuracy of each group",
    )
    apart_table(found, MEANINGS)


def widest_in_words(part: Part, settings: Settings) -> str | None:
    """Return between which groups a model's accuracies lie furthest apart, in a sentence; None without groups."""
    offered = [name for name, values in part.once("values", values_of).items() if len(values) > 1]
    name = part.once(("widest", *_what(settings)), lambda found: widest(found, offered, settings))
    if name is None:
        return None
    found = accuracies_of(part, (name,), settings)
    ends = [_in_words(one) for one in (found.least, found.greatest) if one is not None]
    return f"By {literal(name, 40)} it goes from {' to '.join(ends)}."


def _in_words(one: GroupAccuracy) -> str:
    share = with_interval(one.accuracy.value, one.accuracy.low, one.accuracy.high)
    return f"{literal(share)} for {literal(one.name, 40)}"


def _what(settings: Settings) -> tuple[object, ...]:
    """Return which of the settings decide accuracies."""
    return settings.interval_level, settings.group_minimum, settings.leave_out_small_groups


def _chart(groups: Sequence[GroupAccuracy]) -> go.Figure:
    chart = go.Figure()
    for colour, small in ((COLOURS[0], False), (FAINT, True)):
        places = [place for place, one in enumerate(groups) if one.small is small]
        shares = [(s.value, s.low, s.high) for s in (groups[place].accuracy for place in places)]
        texts = [
            f"{plain(groups[place].name)}: {groups[place].samples:,} pictures<br>accuracy {with_interval(*share)}"
            for place, share in zip(places, shares, strict=True)
        ]
        chart.add_trace(intervals(shares, places, "Accuracy", colour, texts))
    chart.update_xaxes(title="Accuracy", range=[-0.02, 1.02], zeroline=False)
    return as_rows(chart, [one.name for one in groups], row=30).update_layout(showlegend=False)
