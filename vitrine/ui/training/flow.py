"""Where pictures went: streams between epochs, from one epoch to the next, and what came of them in the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui import session
from vitrine.ui.charts import LONGEST_NAME, ink_on, named_axis, plain, scale
from vitrine.ui.slots.training import TrainingSlot
from vitrine.ui.text import literal
from vitrine.ui.training.view import View
from xai_core.bias.wording import UNDEFINED
from xai_core.bias.wording import number as in_decimals
from xai_core.training.class_colours import class_colour
from xai_core.training.flows import OTHER, Flow, flow, flow_matrix
from xai_core.training.measures import final_confusion
from xai_core.types import Indices

MOST_NUMBERS = 30  # classes a side, above which no numbers are written into cells
GREY = "#8a939c"
HEIGHT, PAD, THICK = 480, 8, 14  # pixels of the streams, between two classes, and of a class in an epoch
BESIDE, LEAST_APART = 12, 12  # pixels from the middle of a class to its name, and between two names
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
            key=f"training.step.{session.slot(TrainingSlot).turn}.{len(steps)}",
        )
    stayed = st.toggle("Leave out those that stayed", True, key="training.stayed", persist_state="session")
    matrix = flow_matrix(history, step, step + 1)
    shown = matrix - np.diag(np.diag(matrix)) if stayed else matrix
    titles = (f"Class in epoch {history.epochs[step]}", f"Class in epoch {history.epochs[step + 1]}")
    st.plotly_chart(_matrix(shown, history.labels, *titles), key="training.matrix", config=CONFIG, alt="Flow matrix")
    st.caption(f"{int(matrix.sum() - np.trace(matrix))} of {int(matrix.sum())} pictures changed their class here.")


def confusion(view: View) -> None:
    """Show the confusion matrix of the last epoch in the range."""
    history = view.history.chosen(view.numbers)
    if not len(history):
        st.info(NOTHING_LEFT, icon=":material/info:")
        return
    counts = final_confusion(history)
    options = ("Pictures", "Share of true class")
    wanted = st.segmented_control("Cells", options, default=options[0], key="training.cells", persist_state="session")
    shown: np.ndarray = counts
    if wanted == options[1]:
        totals = counts.sum(axis=1, keepdims=True)
        shown = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    titles = ("True class", f"Predicted class in epoch {history.epochs[-1]}")
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
        "label": [""] * (steps * count),
        "x": across,
        "y": down,
        "color": colours * steps,
        "customdata": [f"{label}, epoch {name}" for name in names for label in found.labels],
        "hovertemplate": "%{customdata}: %{value}<extra></extra>",
        "pad": PAD,
        "thickness": THICK,
        "line": {"width": 0},
    }
    links = {
        "source": step * count + source[cell],
        "target": (step + 1) * count + target[cell],
        "value": values[some],
        "color": [_veiled(colours[at // count], at // count == at % count) for at in cell],
        "hovertemplate": "%{source.customdata} → %{target.customdata}: %{value}<extra></extra>",
    }
    figure = go.Figure(go.Sankey(node=nodes, link=links, arrangement="fixed"))
    beside = 20 + 7 * min(LONGEST_NAME, max(map(len, found.labels)))
    notes = [*_heads(names), *_ends(found, down)]
    margin = {"l": beside, "r": beside, "t": 32, "b": 8}
    return figure.update_layout(height=HEIGHT + 40, margin=margin, annotations=notes)


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
    place = {"y": 1.0, "yshift": 18, "xanchor": "center", "showarrow": False, "xref": "paper", "yref": "paper"}
    return [{"x": at / (len(names) - 1), "text": plain(name), **place} for at, name in enumerate(names)]


def _ends(found: Flow, down: list[float]) -> list[dict[str, Any]]:
    """Name the classes beside the first and the last epoch, where they have pictures and there is room."""
    count = len(found.labels)
    sides = (("right", 0, -BESIDE, found.matrices[0].sum(axis=1)), ("left", 1, BESIDE, found.matrices[-1].sum(axis=0)))
    notes = []
    for (anchor, x, away, sizes), middles in zip(sides, (down[:count], down[-count:]), strict=True):
        place = {"x": x, "xanchor": anchor, "xshift": away, "xref": "paper", "yref": "paper", "showarrow": False}
        for at in _with_room(middles, sizes):
            notes.append({"y": 1 - middles[at], "text": plain(found.labels[at]), "yanchor": "middle", **place})
    return notes


def _with_room(middles: list[float], sizes: Indices) -> list[int]:
    """Return which names can be read: the larger classes first, none upon another."""
    kept: list[int] = []
    for at in np.argsort(-sizes, kind="stable").tolist():
        if sizes[at] and all(abs(middles[at] - middles[other]) * HEIGHT >= LEAST_APART for other in kept):
            kept.append(at)
    return kept


def _veiled(colour: str, stays: bool) -> str:
    """Return the colour of a band: faint where pictures stay, so that those that change are seen."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{0.18 if stays else 0.6})"


def _matrix(values: Indices | np.ndarray, labels: tuple[str, ...], rows: str, columns: str) -> go.Figure:
    whole = np.issubdtype(values.dtype, np.integer)
    most = max(1.0, float(values.max(initial=0))) if whole else 1.0
    names, places = list(map(plain, labels)), range(len(labels))
    figure = go.Figure(
        go.Heatmap(
            z=values,
            colorscale=scale(),
            zmin=0,
            zmax=most,
            hovertext=[[_said(names[row], names[column], values[row, column]) for column in places] for row in places],
            hoverinfo="text",
            xgap=1,
            ygap=1,
            colorbar={"thickness": 12, "tickformat": "" if whole else ".1f"},
        )
    )
    if len(labels) <= MOST_NUMBERS:
        figure.add_trace(_written(values, most))
    ticks = {"showgrid": False, "zeroline": False, "automargin": True}
    ends = len(labels) - 0.5
    figure.update_xaxes(named_axis(labels, title=columns, side="top", range=[-0.5, ends], **ticks))
    figure.update_yaxes(named_axis(labels, title=rows, range=[ends, -0.5], **ticks))
    height = 160 + min(30 * len(labels), 640)
    return figure.update_layout(height=height, showlegend=False, margin={"l": 8, "r": 8, "t": 40, "b": 8})


def _said(row: str, column: str, value: float) -> str:
    if isinstance(value, np.integer):
        return f"{row} to {column}<br>{value:,} pictures"
    return f"{row} to {column}<br>{UNDEFINED if np.isnan(value) else f'{in_decimals(float(value))} of the class'}"


def _written(values: Indices | np.ndarray, most: float) -> go.Scatter:
    """Write its figure on each cell."""
    rows, columns = (found.ravel() for found in np.indices(values.shape))
    shown = values.ravel().tolist()
    return go.Scatter(
        x=columns,
        y=rows,
        mode="text",
        text=[str(one) if isinstance(one, int) else UNDEFINED if np.isnan(one) else f"{one:.2f}" for one in shown],
        textfont={"color": [ink_on(one / most) for one in shown]},
        hoverinfo="skip",
    )
