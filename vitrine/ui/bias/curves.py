"""Curves for one model: ROC curves over all thresholds, and calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from vitrine.ui import session
from vitrine.ui.bias.forms import KEPT
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.charts import COLOURS, FAINT, plain, readable
from xai_core.bias.curves import Bin, Calibration, Roc, calibration, macro_roc, micro_roc, roc
from xai_core.bias.predictions import Predictions
from xai_core.wording import UNDEFINED, number

MOST_POINTS, FIRST = 400, 5
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
NO_PROBABILITIES = "Curves need probabilities; this table has only predicted classes."
AVERAGES = (
    "Micro average: every pair of a picture and a class counts once. Macro average: mean of the classes' curves, "
    "equally weighted."
)
Curves = list[Roc | None]


def roc_curves(selection: Selection) -> None:
    """Show the ROC curves of some classes, each against the rest, and their averages."""
    if selection.predictions.probabilities is None:
        st.info(NO_PROBABILITIES, icon=":material/percent:")
        return
    curves, averages = selection.once("curves", _curves)
    chosen = _chosen_classes(selection, curves)
    drawn = [curve for curve in (*averages, *(curves[n] for n in chosen)) if curve is not None]
    st.plotly_chart(readable(_roc_chart(drawn)), key="bias.chart.roc", alt="ROC curves of classes against the rest")
    absent = sum(curve is None for curve in curves)
    missing = f" The curves of {absent} classes are {UNDEFINED}: one side has no pictures." if absent else ""
    st.caption(AVERAGES + missing)


def _chosen_classes(selection: Selection, curves: Curves) -> list[int]:
    """Show a choice of the classes to draw, initially those with the lowest AUROC, and return it."""
    areas = {n: curve.area for n, curve in enumerate(curves) if curve is not None}
    lowest = sorted(areas, key=lambda n: areas[n] or 0.0)[: min(FIRST, selection.settings.classes_shown)]
    names = {n: f"{selection.predictions.labels[n]} ({number(area)})" for n, area in areas.items()}
    key = f"bias.roc.{selection.held.number}"
    session.put(key, [n for n in session.value_of(key, lowest) if n in areas])
    return st.multiselect(
        "Classes",
        list(areas),
        format_func=lambda number: names[number],
        key=key,
        persist_state=KEPT,
        help="AUROC in brackets. By default, the classes with the lowest AUROC.",
    )


def calibrated(selection: Selection) -> None:
    """Show how often predictions of similar confidence are correct."""
    result = selection.once("calibration", calibration)
    if result is None:
        st.info(NO_PROBABILITIES, icon=":material/percent:")
        return
    st.metric("Expected calibration error", number(result.error))
    st.plotly_chart(readable(_reliability(result)), key="bias.chart.calibration", alt="Accuracy by confidence")
    st.caption(
        "Below the diagonal the model is overconfident, above it underconfident. The error is the mean distance from "
        "the diagonal, weighted by pictures. It says nothing about single classes or groups."
    )


def _curves(predictions: Predictions) -> tuple[Curves, Curves]:
    """Return the curves of all classes, and the averages, thinned for drawing."""
    curves = [roc(predictions, label) for label in range(predictions.classes)]
    averages = [micro_roc(predictions), macro_roc([curve for curve in curves if curve is not None])]
    return list(map(_thinned, curves)), list(map(_thinned, averages))


def _thinned(curve: Roc | None) -> Roc | None:
    if curve is None or len(curve.thresholds) <= MOST_POINTS:
        return curve
    which = np.linspace(0, len(curve.thresholds) - 1, MOST_POINTS).round().astype(int)
    rates = (curve.false_positive_rate[which], curve.true_positive_rate[which])
    return Roc(curve.name, *rates, curve.thresholds[which], curve.area)


def _roc_chart(curves: Sequence[Roc]) -> go.Figure:
    chart = go.Figure(_diagonal())
    averages = [curve for curve in curves if curve.is_average]
    for turn, curve in enumerate(averages):
        chart.add_trace(_curve(curve, {"color": FAINT, "width": 3, "dash": DASHES[turn]}))
    for turn, curve in enumerate(curve for curve in curves if not curve.is_average):
        dash = DASHES[turn // len(COLOURS) % len(DASHES)]
        chart.add_trace(_curve(curve, {"color": COLOURS[turn % len(COLOURS)], "width": 2, "dash": dash}))
    chart.update_xaxes(title="False positive rate", range=[-0.01, 1.01], zeroline=False)
    chart.update_yaxes(title="Recall (true positive rate)", range=[-0.01, 1.01], zeroline=False)
    return chart.update_layout(height=520, hovermode="closest", margin={"t": 24, "b": 40})


def _curve(curve: Roc, line: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=curve.false_positive_rate,
        y=curve.true_positive_rate,
        mode="lines",
        line=line,
        name=f"{plain(curve.name)} ({number(curve.area)})",
        customdata=list(map(_threshold, curve.thresholds)),
        hovertemplate="threshold %{customdata}<br>recall %{y:.3f}<br>false positive rate %{x:.3f}",
    )


def _threshold(at: float) -> str:
    return "above all scores" if np.isinf(at) else UNDEFINED if np.isnan(at) else f"{at:.3f}"


def _diagonal() -> go.Scatter:
    line = {"color": FAINT, "width": 1, "dash": "dot"}
    return go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _reliability(result: Calibration) -> go.Figure:
    """Draw accuracy by confidence above, and the number of pictures below."""
    chart = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.06)
    chart.add_trace(_diagonal(), row=1, col=1)
    chart.add_trace(_accuracies([each for each in result.bins if each.samples]), row=1, col=1)
    chart.add_trace(_histogram(result.bins), row=2, col=1)
    chart.update_xaxes(range=[-0.01, 1.01], zeroline=False)
    chart.update_xaxes(title="Confidence", row=2)
    chart.update_yaxes(title="Accuracy", range=[-0.01, 1.01], zeroline=False, row=1)
    chart.update_yaxes(title="Pictures", row=2)
    return chart.update_layout(height=480, showlegend=False, margin={"t": 24, "b": 40})


def _accuracies(bins: Sequence[Bin]) -> go.Scatter:
    return go.Scatter(
        x=[each.confidence for each in bins],
        y=[each.accuracy for each in bins],
        mode="lines+markers",
        line={"color": COLOURS[0], "width": 2},
        marker={"size": 8},
        cliponaxis=False,
        customdata=[each.samples for each in bins],
        hovertemplate="%{customdata:,d} pictures<br>mean confidence %{x:.3f}<br>accuracy %{y:.3f}<extra></extra>",
    )


def _histogram(bins: Sequence[Bin]) -> go.Bar:
    return go.Bar(
        x=[(each.low + each.high) / 2 for each in bins],
        y=[each.samples for each in bins],
        width=[each.high - each.low for each in bins],
        marker={"color": FAINT},
        hovertemplate="%{y:,d} pictures<extra></extra>",
    )
