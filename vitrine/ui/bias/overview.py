"""The models side by side in a few numbers, with what each number means and hides."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui import frame
from vitrine.ui.bias.accuracy import widest_in_words
from vitrine.ui.bias.meanings import MEANING
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.charts import COLOURS, as_rows, intervals, plain, readable, with_interval
from vitrine.ui.drawing.text import literal
from xai_core.bias.settings import NOTHING
from xai_core.bias.summary import FLOOR, SUMMARY_METRICS, Figure
from xai_core.wording import some

Figures = dict[str, Figure]


def overview(selections: Sequence[Selection]) -> None:
    """Show the summary of every model."""
    with st.spinner("Resampling the pictures …"):
        figures = [selection.summary() for selection in selections]
    for selection, own in zip(selections, figures, strict=True):
        _warnings(selection, own)
    st.table(_table(selections, figures))
    st.caption(" ".join([_resampling(selections), *map(_undefined, selections, figures)]))
    _by_group(selections)
    chart = _chart([selection.name for selection in selections], figures)
    st.plotly_chart(readable(chart), key="bias.chart.overview", alt="The numbers of the table with intervals")


def _warnings(selection: Selection, figures: Figures) -> None:
    if never := [each.label for each in selection.class_figures() if each.is_never_predicted]:
        effect = "That alone raises the degree of bias and the precision std."
        frame.warn(f"{selection.name} never predicts {some(never)}. {effect}")
    degree, floor = figures["degree_of_bias"].value, figures[FLOOR].value
    if degree is not None and floor is not None and 0 < degree <= floor:
        name = literal(selection.name)
        st.caption(f":material/info: With so few pictures per class, chance alone explains {name}'s degree of bias.")


def _table(selections: Sequence[Selection], figures: Sequence[Figures]) -> pd.DataFrame:
    rows = {"Pictures": [*(f"{len(selection.predictions):,}" for selection in selections), ""]}
    for metric in SUMMARY_METRICS:
        shown = [with_interval(own[metric.id].value, own[metric.id].low, own[metric.id].high) for own in figures]
        rows[metric.title] = [*(literal(text).replace(", ", ",\u00a0") for text in shown), metric.meaning]
    columns = [*(literal(selection.name, 40) for selection in selections), MEANING]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _by_group(selections: Sequence[Selection]) -> None:
    """Say between which groups each model's accuracy differs most."""
    sentences = {each.name: sentence for each in selections if (sentence := widest_in_words(each))}
    if not sentences:
        return
    lines = [text if len(selections) == 1 else f"{literal(name, 40)}: {text}" for name, text in sentences.items()]
    st.markdown("**Accuracy by group**  \n" + "  \n".join(lines))
    st.caption("This is the attribute whose groups differ most. The Groups tab shows all groups.")


def _resampling(selections: Sequence[Selection]) -> str:
    """Say how intervals were computed, and which models are exceptions."""
    settings = [selection.settings for selection in selections]
    by = next((own.stratify_by for own in settings if own.stratify_by != NOTHING), NOTHING)
    text = f"In brackets: {settings[0].interval_level:.0%} intervals from {settings[0].bootstrap_samples:,} bootstrap"
    if by == NOTHING:
        return f"{text} samples."
    others = [selection.name for selection in selections if selection.settings.stratify_by == NOTHING]
    rest = f" Not stratified, for lack of that attribute: {literal(some(others))}." if others else ""
    return f"{text} samples, stratified by {literal(by, 40)}.{rest}"


def _undefined(selection: Selection, figures: Figures) -> str:
    most = max(figure.undefined for figure in figures.values())
    if not 0 < most < selection.settings.bootstrap_samples:
        return ""
    return f"For {literal(selection.name, 40)}, some figures were undefined in up to {most:,} of these samples."


def _chart(names: Sequence[str], figures: Sequence[Figures]) -> go.Figure:
    metrics = [metric for metric in SUMMARY_METRICS if metric.id != FLOOR]
    chart = go.Figure()
    for turn, (name, own) in enumerate(zip(names, figures, strict=True)):
        rows = [(own[metric.id].value, own[metric.id].low, own[metric.id].high) for metric in metrics]
        texts = [f"{plain(name)}<br>{m.title} {with_interval(*row)}" for m, row in zip(metrics, rows, strict=True)]
        offset = min(0.25, 0.6 / len(names)) * (turn - (len(names) - 1) / 2)
        chart.add_trace(intervals(rows, [row + offset for row in range(len(rows))], name, COLOURS[turn], texts))
    chart.update_xaxes(range=[-0.02, 1.02], zeroline=False)
    chart.update_layout(showlegend=len(names) > 1, legend={"orientation": "h", "y": 1.08})
    return as_rows(chart, [metric.title for metric in metrics], row=34)
