"""Where pictures went: streams between epochs, from one epoch to the next, and what came of them in the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ui import session
from ui.text import literal
from ui.training_view import View
from xai_core.training.class_colours import class_colour
from xai_core.training.flows import OTHER, Flow, flow, flow_matrix
from xai_core.training.measures import final_confusion
from xai_core.types import Indices

MOST_NUMBERS = 30  # classes a side, above which no numbers are written into cells
GREY = "#8a939c"
SHADES = {  # opaque, as Plotly writes numbers in black or white after the colour under them
    "light": [[0, "rgb(242,245,247)"], [1, "rgb(11,110,143)"]],
    "dark": [[0, "rgb(28,36,45)"], [1, "rgb(30,118,148)"]],
}
INK = {"light": "#17212b", "dark": "#e8edf2"}
HEIGHT, PAD = 480, 8  # pixels of the streams, and between two classes
NOTHING_LEFT = "No picture is left; loosen the filters."
ONE_ONLY = "There is one epoch only; nothing flows."
CONFIG = {"displaylogo": False, "modeBarButtons": [["toImage"]]}


def streams(view: View) -> None:
    """Show the streams between some epochs, and the matrix from one epoch to the next."""
    history = view.history.chosen(view.numbers)
    if len(history.epochs) == 1 or not len(history):
        st.info(ONE_ONLY if len(history) else NOTHING_LEFT, icon=":material/info:")
        return
    found = flow(history)
    names = [history.epochs[place] for place in found.epochs]
    st.plotly_chart(_sankey(found, names), key="training.sankey", config=CONFIG, alt="Streams between the classes")
    rest = f" The {len(found.classes)} classes that changed most are told apart." if OTHER in found.labels else ""
    st.caption(f"Each column is an epoch, each band the pictures that went from one class to another.{rest}")
    steps = list(range(len(history.epochs) - 1))
    step = 0
    if len(steps) > 1:
        step = st.select_slider(
            "From one epoch to the next",
            steps,
            format_func=lambda at: f"{history.epochs[at]} → {history.epochs[at + 1]}",
            key=f"training.step.{session.workspace().training.turn}.{len(steps)}",
        )
    stayed = st.toggle("Leave out those that stayed", True, key="training.stayed", persist_state="session")
    matrix = flow_matrix(history, step, step + 1)
    shown = matrix - np.diag(np.diag(matrix)) if stayed else matrix
    titles = (f"class in epoch {history.epochs[step]}", f"class in epoch {history.epochs[step + 1]}")
    st.plotly_chart(_matrix(shown, history.labels, *titles), key="training.matrix", config=CONFIG, alt="Flow matrix")
    st.caption(f"{int(matrix.sum() - np.trace(matrix))} of {int(matrix.sum())} pictures changed their class here.")


def confusion(view: View) -> None:
    """Show the confusion matrix of the last epoch in the range."""
    history = view.history.chosen(view.numbers)
    if not len(history):
        st.info(NOTHING_LEFT, icon=":material/info:")
        return
    counts = final_confusion(history)
    options = ("Pictures", "Share of the true class")
    wanted = st.segmented_control("Cells", options, default=options[0], key="training.cells", persist_state="session")
    shown: np.ndarray = counts
    if wanted == options[1]:
        totals = counts.sum(axis=1, keepdims=True)
        shown = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    titles = ("true class", f"prediction in epoch {history.epochs[-1]}")
    st.plotly_chart(
        _matrix(shown, history.labels, *titles), key="training.final", config=CONFIG, alt="Confusion matrix"
    )
    right, total = int(np.trace(counts)), int(counts.sum())
    left_out = len(history) - total
    st.caption(
        f"{right} of {total} pictures are right in epoch {literal(history.epochs[-1])}."
        + (f" {left_out} without a prediction or a true class are left out." if left_out else "")
        + (" Classes without pictures have no shares: n/a." if np.isnan(shown).any() else "")
    )


def _sankey(found: Flow, names: list[str]) -> go.Figure:
    count, steps = len(found.labels), len(names)
    source, target = np.divmod(np.arange(count * count), count)
    values = found.matrices.reshape(-1)
    some = np.flatnonzero(values)
    step, cell = np.divmod(some, count * count)
    colours = [*(class_colour(label) for label in found.classes), GREY][:count]
    across, down = _places(found)
    nodes = {
        "label": [found.labels[at] if place in (0, steps - 1) else "" for place in range(steps) for at in range(count)],
        "x": across,
        "y": down,
        "color": colours * steps,
        "customdata": [f"{label}, epoch {name}" for name in names for label in found.labels],
        "hovertemplate": "%{customdata}: %{value}<extra></extra>",
        "pad": PAD,
        "thickness": 14,
        "line": {"width": 0},
    }
    links = {
        "source": step * count + source[cell],
        "target": (step + 1) * count + target[cell],
        "value": values[some],
        "color": [_veiled(colours[at // count], at // count == at % count) for at in cell],
        "hovertemplate": "%{source.customdata} → %{target.customdata}: %{value}<extra></extra>",
    }
    figure = go.Figure(
        go.Sankey(node=nodes, link=links, arrangement="fixed", textfont={"shadow": "none", "color": INK[_theme()]})
    )
    figure.update_layout(height=HEIGHT + 40, margin={"l": 8, "r": 8, "t": 32, "b": 8}, annotations=_heads(names))
    return figure


def _places(found: Flow) -> tuple[list[float], list[float]]:
    """Return where each node lies, as shares of the width and height: classes in their order in every epoch."""
    leaving, coming = found.matrices.sum(axis=2), found.matrices.sum(axis=1)
    sizes = np.maximum(np.vstack([leaving, coming[-1:]]), np.vstack([leaving[:1], coming]))
    gaps = (sizes > 0) * PAD / HEIGHT
    scale = (1 - gaps.sum(axis=1).max()) / max(sizes.sum(axis=1).max(), 1)
    heights = sizes * scale
    ends = (heights + gaps).cumsum(axis=1)
    middles = ends - gaps - heights / 2
    across = np.repeat(np.linspace(0, 1, len(sizes)), sizes.shape[1])
    inside = [np.clip(places.reshape(-1), 1e-3, 1 - 1e-3).tolist() for places in (across, middles)]
    return inside[0], inside[1]


def _heads(names: list[str]) -> list[dict[str, Any]]:
    place = {"y": 1.0, "yshift": 18, "showarrow": False, "xref": "paper", "yref": "paper"}
    return [{"x": at / (len(names) - 1), "text": name, **place} for at, name in enumerate(names)]


def _veiled(colour: str, stays: bool) -> str:
    """Return the colour of a band: faint where pictures stay, so that those that change are seen."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{0.18 if stays else 0.6})"


def _theme() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


def _matrix(values: Indices | np.ndarray, labels: tuple[str, ...], rows: str, columns: str) -> go.Figure:
    whole = np.issubdtype(values.dtype, np.integer)
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=labels,
            y=labels,
            colorscale=SHADES[_theme()],
            zmin=0,
            zmax=max(float(np.nanmax(values, initial=0)), 1e-9) if not np.isnan(values).all() else 1,
            texttemplate=("%{z}" if whole else "%{z:.0%}") if len(labels) <= MOST_NUMBERS else None,
            hovertemplate=f"{rows}: %{{y}}<br>{columns}: %{{x}}<br>%{{z{'' if whole else ':.1%'}}}<extra></extra>",
            xgap=1,
            ygap=1,
            colorbar={"tickformat": "" if whole else ".0%"},
        )
    )
    figure.update_xaxes(title=columns, type="category", showgrid=False)
    figure.update_yaxes(title=rows, type="category", autorange="reversed", showgrid=False)
    side = min(720, max(360, 130 + 32 * len(labels)))
    figure.update_layout(height=side, margin={"l": 8, "r": 8, "t": 16, "b": 8})
    return figure
