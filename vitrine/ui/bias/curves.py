"""Curves over all thresholds of one model: ROC, and how far its confidence can be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from vitrine.ui import session
from vitrine.ui.bias.filters import KEPT, Part
from vitrine.ui.bias.overview import figures_of
from vitrine.ui.charts import COLOURS, FAINT, plain
from xai_core.bias.curves import Calibration, Roc, calibration, macro_roc, micro_roc, roc
from xai_core.bias.predictions import Predictions
from xai_core.bias.settings import Settings
from xai_core.bias.wording import UNDEFINED, number

MOST_POINTS, FIRST = 400, 5
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
NO_PROBABILITIES = "Curves need probabilities; this table has predicted classes only."


def roc_curves(part: Part, settings: Settings) -> None:
    """Show the ROC curves of some classes against all others, and of all together."""
    if part.found.probabilities is None:
        st.info(NO_PROBABILITIES, icon=":material/percent:")
        return
    rocs, together = part.once("curves", _curves)
    defined = [n for n, one in enumerate(rocs) if one is not None]
    areas = {n: figures_of(part)[n].auroc for n in defined}
    lowest = sorted(defined, key=lambda n: areas[n] or 0.0)[: min(FIRST, settings.classes_shown)]
    names = {n: f"{part.found.labels[n]} ({number(area)})" for n, area in areas.items()}
    key = f"bias.roc.{part.held.number}"
    session.put(key, [n for n in session.value_of(key, lowest) if n in defined])
    chosen = st.multiselect(
        "Classes",
        defined,
        format_func=lambda number: names[number],
        key=key,
        persist_state=KEPT,
        help="In brackets: AUROC. At first those where it is least.",
    )
    drawn = [one for one in (*together, *(rocs[n] for n in chosen)) if one is not None]
    st.plotly_chart(_roc_chart(drawn), key="bias.chart.roc", alt="ROC curves of classes against all others")
    absent = len(rocs) - len(defined)
    st.caption(
        "Micro average: all pairs of picture and class as one question. Macro average: the classes' curves, each "
        "counted alike."
        + (f" Of {absent} classes the curve is {UNDEFINED}: one side has no picture." if absent else "")
    )


def calibrated(part: Part, settings: Settings) -> None:
    """Show how often predictions of like confidence are right."""
    found = part.once("calibration", calibration)
    if found is None:
        st.info(NO_PROBABILITIES, icon=":material/percent:")
        return
    st.metric("Expected calibration error", number(found.error))
    st.plotly_chart(_reliability(found), key="bias.chart.calibration", alt="Accuracy by confidence")
    st.caption(
        "Below the line the model is surer than it is right, above it less sure. The error is the mean distance from "
        "the line, weighed by the number of pictures; it says nothing about single classes or groups."
    )


def _curves(found: Predictions) -> tuple[list[Roc | None], list[Roc | None]]:
    """Return the curves of all classes, and the averages, of each as much as is drawn."""
    rocs = [roc(found, one) for one in range(found.classes)]
    averages = [micro_roc(found), macro_roc([one for one in rocs if one is not None])]
    return list(map(_thinned, rocs)), list(map(_thinned, averages))


def _thinned(one: Roc | None) -> Roc | None:
    if one is None or len(one.thresholds) <= MOST_POINTS:
        return one
    which = np.linspace(0, len(one.thresholds) - 1, MOST_POINTS).round().astype(int)
    rates = (one.false_positive_rate[which], one.true_positive_rate[which])
    return Roc(one.name, *rates, one.thresholds[which], one.area)


def _roc_chart(curves: Sequence[Roc]) -> go.Figure:
    chart = go.Figure(_diagonal())
    for turn, one in enumerate(curves):
        average = one.name.endswith("average")
        line: dict[str, object] = {
            "color": FAINT if average else COLOURS[(turn - 2) % len(COLOURS)],
            "width": 3 if average else 2,
        }
        line["dash"] = DASHES[turn % 2] if average else DASHES[(turn - 2) // len(COLOURS) % len(DASHES)]
        chart.add_trace(_curve(one, line))
    chart.update_xaxes(title="False positive rate", range=[-0.01, 1.01], zeroline=False)
    chart.update_yaxes(title="Recall (true positive rate)", range=[-0.01, 1.01], zeroline=False)
    return chart.update_layout(height=520, hovermode="closest", margin={"t": 24, "b": 40})


def _curve(one: Roc, line: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=one.false_positive_rate,
        y=one.true_positive_rate,
        mode="lines",
        line=line,
        name=f"{plain(one.name)} ({number(one.area)})",
        customdata=list(map(_threshold, one.thresholds)),
        hovertemplate="threshold %{customdata}<br>recall %{y:.3f}<br>false positive rate %{x:.3f}",
    )


def _threshold(at: float) -> str:
    return "above all" if np.isinf(at) else UNDEFINED if np.isnan(at) else f"{at:.3f}"


def _diagonal() -> go.Scatter:
    line = {"color": FAINT, "width": 1, "dash": "dot"}
    return go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _reliability(found: Calibration) -> go.Figure:
    known = [one for one in found.bins if one.samples]
    chart = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.06)
    chart.add_trace(_diagonal(), row=1, col=1)
    chart.add_trace(
        go.Scatter(
            x=[one.confidence for one in known],
            y=[one.accuracy for one in known],
            mode="lines+markers",
            line={"color": COLOURS[0], "width": 2},
            marker={"size": 8},
            cliponaxis=False,
            customdata=[one.samples for one in known],
            hovertemplate="%{customdata:,d} pictures<br>mean confidence %{x:.3f}<br>accuracy %{y:.3f}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    middles, widths = zip(*(((one.low + one.high) / 2, one.high - one.low) for one in found.bins), strict=True)
    chart.add_trace(
        go.Bar(
            x=middles,
            y=[one.samples for one in found.bins],
            width=widths,
            marker={"color": FAINT},
            hovertemplate="%{y:,d} pictures<extra></extra>",
        ),
        row=2,
        col=1,
    )
    chart.update_xaxes(range=[-0.01, 1.01], zeroline=False)
    chart.update_xaxes(title="Confidence", row=2)
    chart.update_yaxes(title="Accuracy", range=[-0.01, 1.01], zeroline=False, row=1)
    chart.update_yaxes(title="Pictures", row=2)
    return chart.update_layout(height=480, showlegend=False, margin={"t": 24, "b": 40})
