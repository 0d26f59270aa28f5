"""Which classes are taken for which: the matrix that can be clicked, and the pairs that are confused most."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitrine.ui import session
from vitrine.ui.bias.cell import ACTUAL, PREDICTED, pictures_of_cell
from vitrine.ui.bias.filters import KEPT, Part
from vitrine.ui.charts import LIMIT, ink_on, named_axis, plain, scale
from xai_core.bias.classes import ratio
from xai_core.bias.confusion import Confusion, Normalised, among, confusion, most_mispredicted, top_confusions
from xai_core.bias.settings import Settings
from xai_core.bias.wording import UNDEFINED, number
from xai_core.types import Indices

MOST_DRAWN, MOST_WRITTEN, MOST_EMPTY = 100, 15, 40  # classes
OTHER = "other"
BY: dict[Normalised, str] = {"counts": "Pictures", "rows": "Share of true class", "columns": "Share of predicted class"}
CHART, PAIRS = "bias.matrix", "bias.pairs"


def confusions(part: Part, settings: Settings) -> None:
    """Show the confusion matrix, the pairs that are confused most, and the pictures of a cell that is clicked."""
    counts = part.once("confusion", lambda found: confusion(found.truth, found.predicted, found.classes))
    chosen = _which(part, counts, settings)
    by = st.segmented_control(
        "Cells",
        get_args(Normalised),
        format_func=lambda by: BY[by],
        default="counts",
        key="bias.by",
        persist_state=KEPT,
    )
    figure = _matrix(part, counts, chosen, by or "counts")
    st.plotly_chart(
        figure,
        key=CHART,
        on_select=partial(_clicked, part.found.labels),
        selection_mode="points",
        alt="How often each true class (row) was taken for each class (column)",
    )
    st.caption("Rows are true classes, columns predicted classes. Click a cell to see its pictures.")
    _pairs(part, counts, settings)
    pictures_of_cell(part)


def _which(part: Part, counts: Indices, settings: Settings) -> list[int]:
    """Return the classes that are drawn: all, or those that are mispredicted most."""
    whole = part.found.classes
    every = whole <= MOST_DRAWN
    if not every:
        st.caption(f"Of {whole} classes the most mispredicted are drawn.")
    elif whole > settings.classes_shown:
        worst = f"{settings.classes_shown} most mispredicted"
        chosen = st.segmented_control(
            "Classes", ["All", worst], default="All", key=f"bias.which.{settings.classes_shown}", persist_state=KEPT
        )
        every = chosen != worst
    return list(range(whole)) if every else most_mispredicted(counts, settings.classes_shown)


def _matrix(part: Part, counts: Indices, chosen: Sequence[int], by: Normalised) -> go.Figure:
    """Return the matrix of some classes with a last column for all others, where there are any."""
    names = [part.found.labels[one] for one in chosen]
    whole = len(chosen) == len(counts)
    found = among(counts, chosen)[:, : len(chosen) if whole else None]
    shares = _shares(counts, chosen, by)[:, : found.shape[1]]
    columns = names if whole else [*names, OTHER]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            colorscale=scale(),
            zmin=0,
            zmax=_most(shares, by),
            hoverinfo="skip",
            xgap=1 if len(chosen) <= MOST_EMPTY else 0,
            ygap=1 if len(chosen) <= MOST_EMPTY else 0,
            colorbar={"thickness": 12, "tickformat": "" if by == "counts" else ".1f"},
        )
    )
    cells = _cells(found, _shares(counts, chosen, "rows"), names, columns, chosen)
    figure.add_trace(_written(cells, shares, by) if len(chosen) <= MOST_WRITTEN else cells)
    _mark_chosen(figure, part, chosen)
    ticks = {"showgrid": False, "zeroline": False, "automargin": True}
    figure.update_xaxes(
        named_axis(columns, title="Predicted class", side="top", range=[-0.5, len(columns) - 0.5], **ticks)
    )
    figure.update_yaxes(named_axis(names, title="True class", range=[len(names) - 0.5, -0.5], **ticks))
    height = 160 + min(30 * len(names), 640)
    return figure.update_layout(
        height=height, dragmode=False, hovermode="closest", hoverdistance=-1, showlegend=False, margin={"t": 40, "b": 8}
    )


def _shares(counts: Indices, chosen: Sequence[int], by: Normalised) -> NDArray[np.float64]:
    found = among(counts, chosen)
    if by == "counts":
        return found.astype(np.float64)
    if by == "rows":
        return ratio(found, counts[list(chosen)].sum(axis=1, keepdims=True))
    own = counts.sum(axis=0)
    return ratio(found, np.append(own[list(chosen)], own.sum() - own[list(chosen)].sum()))


def _cells(
    found: Indices, shares: NDArray[np.float64], names: Sequence[str], columns: Sequence[str], chosen: Sequence[int]
) -> go.Scatter:
    """Return unseen points on the cells, as clicks on a heatmap are not told; of many classes only where pictures are.

    customdata: the true and the predicted class, -1 for the others.
    """
    cells = np.argwhere(found if len(names) > MOST_EMPTY else np.ones_like(found)).tolist()
    ends = [*chosen, -1]
    texts = [
        f"{plain(names[i])} taken for {plain(columns[j])}<br>{found[i, j]:,} pictures{_of_class(shares[i, j])}"
        for i, j in cells
    ]
    return go.Scatter(
        x=[place for _, place in cells],
        y=[row for row, _ in cells],
        mode="markers",
        marker={"symbol": "square", "size": 8, "color": "rgba(0,0,0,0)"},
        customdata=[[int(chosen[i]), int(ends[j])] for i, j in cells],
        hovertext=texts,
        hoverinfo="text",
    )


def _written(cells: go.Scatter, shares: NDArray[np.float64], by: Normalised) -> go.Scatter:
    """Write its figure on each cell."""
    values = shares[cells.y, cells.x]
    colours = [ink_on(value / _most(shares, by)) for value in values]
    texts = [UNDEFINED if np.isnan(value) else f"{value:.0f}" if by == "counts" else f"{value:.2f}" for value in values]
    return cells.update(mode="markers+text", text=texts, textposition="middle center", textfont={"color": colours})


def _most(shares: NDArray[np.float64], by: Normalised) -> float:
    """Return what has the colour of the whole; that of nothing is always 0."""
    return 1.0 if by != "counts" else max(1.0, float(np.nanmax(shares)))


def _of_class(share: float) -> str:
    return "" if np.isnan(share) else f", {number(share)} of the class"


def _mark_chosen(figure: go.Figure, part: Part, chosen: Sequence[int]) -> None:
    labels = part.found.labels
    cell = [session.value_of(ACTUAL), session.value_of(PREDICTED)]
    if all(one in labels and labels.index(one) in chosen for one in cell):
        y, x = (chosen.index(labels.index(one)) for one in cell)
        around = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
        figure.add_shape(type="rect", line={"color": LIMIT, "width": 3}, **around)


def _clicked(labels: Sequence[str]) -> None:
    points = session.value_of(CHART).selection.points
    if points:
        _choose(labels, *points[0]["customdata"])


def _choose(labels: Sequence[str], actual: int, predicted: int) -> None:
    session.put(ACTUAL, labels[actual])
    session.put(PREDICTED, labels[predicted] if predicted >= 0 else None)


def _pairs(part: Part, counts: Indices, settings: Settings) -> None:
    """Show the pairs of classes that are confused most; one that is clicked becomes the cell."""
    found = top_confusions(counts, settings.classes_shown)
    labels = part.found.labels
    if not found:
        st.info("No picture was taken for another class.", icon=":material/check:")
        return
    with st.expander(f"The {len(found)} pairs that are confused most", expanded=False):
        st.dataframe(
            pd.DataFrame(
                [(labels[one.actual], labels[one.predicted], one.count, one.rate) for one in found],
                columns=["True class", "Predicted class", "Pictures", "Share of the class"],
            ),
            hide_index=True,
            column_config={"Share of the class": st.column_config.NumberColumn(format="%.3f")},
            key=PAIRS,
            on_select=partial(_picked, labels, found),
            selection_mode="single-row",
            alt="The pairs of classes that are confused most",
        )


def _picked(labels: Sequence[str], pairs: Sequence[Confusion]) -> None:
    for row in session.value_of(PAIRS).selection.rows:
        _choose(labels, pairs[row].actual, pairs[row].predicted)
