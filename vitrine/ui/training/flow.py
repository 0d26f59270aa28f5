"""How pictures moved between classes: over all epochs, from one epoch to the next, and where they ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui import session
from vitrine.ui.drawing.charts import LONGEST_NAME, plain, readable
from vitrine.ui.drawing.text import literal
from vitrine.ui.slots.training import TrainingSlot
from vitrine.ui.training.matrix import Cells, matrix_chart
from vitrine.ui.training.view import View
from xai_core.bias.values import ratio
from xai_core.training.class_colours import class_colour
from xai_core.training.flows import OTHER, Flow, flow, flow_matrix
from xai_core.training.history import History
from xai_core.training.measures import final_confusion
from xai_core.types import Indices

GREY = "#8a939c"
HEIGHT, PAD, THICK = 480, 8, 14  # pixels: the chart, the gap between two classes, the width of a class in an epoch
BESIDE, LEAST_APART = 12, 12  # pixels: from the middle of a class to its name, and between two names
NO_PICTURES = "No picture passes the filters. Loosen them."
ONE_EPOCH = "There is only one epoch, so nothing moves."
CONFIG = {"displaylogo": False, "modeBarButtons": [["toImage"]]}
COUNTS, SHARES = "Pictures", "Share of true class"


def streams(view: View) -> None:
    """Show the flow over some epochs, and the matrix from one epoch to the next."""
    history = view.history.chosen(view.numbers)
    if len(history.epochs) == 1 or not len(history):
        st.info(ONE_EPOCH if len(history) else NO_PICTURES, icon=":material/info:")
        return
    _streams(history)
    _step_matrix(history, _chosen_step(history))


def _streams(history: History) -> None:
    moved = flow(history)
    names = [history.epochs[place] for place in moved.epochs]
    st.plotly_chart(
        readable(_sankey(moved, names)), key="training.sankey", config=CONFIG, alt="Flow between the classes"
    )
    rest = f" The {len(moved.classes)} classes that changed most are shown separately." if OTHER in moved.labels else ""
    fewer = f" {len(names)} of {len(history.epochs)} epochs are shown." if len(names) < len(history.epochs) else ""
    st.caption(f"Each column is an epoch; each band is the pictures that moved from one class to another.{fewer}{rest}")


def _chosen_step(history: History) -> int:
    """Show a choice of two consecutive epochs, and return the number of the first."""
    steps = list(range(len(history.epochs) - 1))
    if len(steps) == 1:
        return 0
    return st.select_slider(
        "From one epoch to the next",
        steps,
        format_func=lambda step: f"{history.epochs[step]} → {history.epochs[step + 1]}",
        key=f"training.step.{session.slot(TrainingSlot).turn}.{len(steps)}",
    )


def _step_matrix(history: History, step: int) -> None:
    hide = st.toggle("Hide pictures that stayed", True, key="training.stayed", persist_state="session")
    matrix = flow_matrix(history, step, step + 1)
    shown = matrix - np.diag(np.diag(matrix)) if hide else matrix
    titles = (f"Class in epoch {history.epochs[step]}", f"Class in epoch {history.epochs[step + 1]}")
    chart = matrix_chart(shown, history.labels, *titles)
    st.plotly_chart(readable(chart), key="training.matrix", config=CONFIG, alt="Flow matrix")
    st.caption(f"{int(matrix.sum() - np.trace(matrix))} of {int(matrix.sum())} pictures changed class here.")


def confusion(view: View) -> None:
    """Show the confusion matrix of the last epoch in the range."""
    history = view.history.chosen(view.numbers)
    if not len(history):
        st.info(NO_PICTURES, icon=":material/info:")
        return
    counts = final_confusion(history)
    options = (COUNTS, SHARES)
    choice = st.segmented_control("Cells", options, default=COUNTS, key="training.cells", persist_state="session")
    shown: Cells = ratio(counts, counts.sum(axis=1, keepdims=True)) if choice == SHARES else counts
    titles = ("True class", f"Predicted class in epoch {history.epochs[-1]}")
    chart = matrix_chart(shown, history.labels, *titles)
    st.plotly_chart(readable(chart), key="training.final", config=CONFIG, alt="Confusion matrix")
    st.caption(_final_caption(history, counts, bool(np.isnan(shown).any())))


def _final_caption(history: History, counts: Indices, undefined: bool) -> str:
    correct, total = int(np.trace(counts)), int(counts.sum())
    left_out = len(history) - total
    return (
        f"{correct} of {total} pictures are correct in epoch {literal(history.epochs[-1])}."
        + (f" {left_out} without a prediction or a true class are left out." if left_out else "")
        + (" Classes without pictures have no shares: n/a." if undefined else "")
    )


def _sankey(moved: Flow, names: list[str]) -> go.Figure:
    across, down = _places(moved)
    colours = [*(class_colour(label) for label in moved.classes), GREY][: len(moved.labels)]
    nodes = _nodes(moved, names, colours) | {"x": across, "y": down}
    figure = go.Figure(go.Sankey(node=nodes, link=_links(moved, colours), arrangement="fixed"))
    beside = 20 + 7 * min(LONGEST_NAME, max(map(len, moved.labels)))
    margin = {"l": beside, "r": beside, "t": 32, "b": 8}
    notes = [*_heads(names), *_ends(moved, down)]
    return figure.update_layout(height=HEIGHT + 40, margin=margin, annotations=notes)


def _nodes(moved: Flow, names: list[str], colours: list[str]) -> dict[str, Any]:
    """Return a node for each class in each epoch; names are beside the chart, not on the nodes."""
    return {
        "label": [""] * (len(names) * len(moved.labels)),
        "color": colours * len(names),
        "customdata": [f"{label}, epoch {name}" for name in names for label in moved.labels],
        "hovertemplate": "%{customdata}: %{value}<extra></extra>",
        "pad": PAD,
        "thickness": THICK,
        "line": {"width": 0},
    }


def _links(moved: Flow, colours: list[str]) -> dict[str, Any]:
    """Return a band for each pair of classes between which pictures moved, epoch by epoch."""
    count, values = len(moved.labels), moved.matrices.reshape(-1)
    filled = np.flatnonzero(values)
    step, cell = np.divmod(filled, count * count)
    source, target = np.divmod(cell, count)
    return {
        "source": step * count + source,
        "target": (step + 1) * count + target,
        "value": values[filled],
        "color": [_veiled(colours[here], here == there) for here, there in zip(source, target, strict=True)],
        "hovertemplate": "%{source.customdata} → %{target.customdata}: %{value}<extra></extra>",
    }


def _places(moved: Flow) -> tuple[list[float], list[float]]:
    """Return each node's position, as shares of width and height; classes keep their order in every epoch."""
    leaving, coming = moved.matrices.sum(axis=2), moved.matrices.sum(axis=1)
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


def _ends(moved: Flow, down: list[float]) -> list[dict[str, Any]]:
    """Return the class names beside the first and the last epoch, as far as there is room."""
    count = len(moved.labels)
    sides = (("right", 0, -BESIDE, moved.matrices[0].sum(axis=1)), ("left", 1, BESIDE, moved.matrices[-1].sum(axis=0)))
    notes = []
    for (anchor, x, away, sizes), middles in zip(sides, (down[:count], down[-count:]), strict=True):
        place = {"x": x, "xanchor": anchor, "xshift": away, "xref": "paper", "yref": "paper", "showarrow": False}
        for at in _with_room(middles, sizes):
            notes.append({"y": 1 - middles[at], "text": plain(moved.labels[at]), "yanchor": "middle", **place})
    return notes


def _with_room(middles: list[float], sizes: Indices) -> list[int]:
    """Return which names fit without overlapping, larger classes first."""
    kept: list[int] = []
    for at in np.argsort(-sizes, kind="stable").tolist():
        if sizes[at] and all(abs(middles[at] - middles[neighbour]) * HEIGHT >= LEAST_APART for neighbour in kept):
            kept.append(at)
    return kept


def _veiled(colour: str, stays: bool) -> str:
    """Return the colour of a band: faint for pictures that stay, so that those that move stand out."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{0.18 if stays else 0.6})"
