"""The clickable confusion matrix, and the pairs of classes that are confused most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui import session
from vitrine.ui.bias.cell import ACTUAL, PREDICTED, pictures_of_cell
from vitrine.ui.bias.forms import KEPT
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.charts import COUNT, LIMIT, ink_on, named_axis, plain, readable, scale
from xai_core.bias.confusion import Confusion, Normalised, among, most_mispredicted, top_confusions
from xai_core.bias.values import ratio
from xai_core.types import Doubles, Indices
from xai_core.wording import UNDEFINED, number

MOST_DRAWN, MOST_WRITTEN, MOST_EMPTY = 100, 15, 40  # classes
OTHER = "other"
BY: dict[Normalised, str] = {"counts": "Pictures", "rows": "Share of true class", "columns": "Share of predicted class"}
CHART, PAIRS = "bias.matrix", "bias.pairs"
TICKS = {"showgrid": False, "zeroline": False, "automargin": True}


@dataclass(frozen=True, eq=False)
class Matrix:
    """The part of a confusion matrix that is drawn.

    counts: (K, K), for all classes. chosen: the m classes that are drawn. labels: for all classes. by: what the
    colours show.
    """

    counts: Indices
    chosen: Sequence[int]
    labels: Sequence[str]
    by: Normalised

    @property
    def names(self) -> list[str]:
        return [self.labels[n] for n in self.chosen]

    @property
    def columns(self) -> list[str]:
        """The names of the columns; the last one stands for the classes that are not drawn, if any."""
        return self.names if self._complete else [*self.names, OTHER]

    @property
    def drawn(self) -> Indices:
        """The counts of the drawn cells."""
        return among(self.counts, self.chosen)[:, : len(self.columns)]

    def shares(self, by: Normalised) -> Doubles:
        """Return the value of each drawn cell; NaN where undefined."""
        counts = among(self.counts, self.chosen)
        if by == "counts":
            shown = counts.astype(np.float64)
        elif by == "rows":
            shown = ratio(counts, self.counts[list(self.chosen)].sum(axis=1, keepdims=True))
        else:
            predicted = self.counts.sum(axis=0)
            own = predicted[list(self.chosen)]
            shown = ratio(counts, np.append(own, predicted.sum() - own.sum()))
        return shown[:, : len(self.columns)]

    @property
    def highest(self) -> float:
        """The value with the darkest colour; 0 always has the lightest."""
        return 1.0 if self.by != "counts" else max(1.0, float(np.nanmax(self.shares("counts"))))

    @property
    def _complete(self) -> bool:
        return len(self.chosen) == len(self.counts)


def confusions(selection: Selection) -> None:
    """Show the confusion matrix, the pairs that are confused most, and the pictures in the chosen cell."""
    counts, labels = selection.confusion(), selection.predictions.labels
    chosen = _chosen_classes(counts, selection.settings.classes_shown)
    by = st.segmented_control(
        "Cells",
        get_args(Normalised),
        format_func=lambda by: BY[by],
        default="counts",
        key="bias.by",
        persist_state=KEPT,
    )
    st.plotly_chart(
        readable(_figure(Matrix(counts, chosen, labels, by or "counts"))),
        key=CHART,
        on_select=partial(_clicked, labels),
        selection_mode="points",
        alt="How often each true class (row) was predicted as each class (column)",
    )
    st.caption("Rows are true classes, columns predicted classes. Click a cell to see its pictures.")
    _pairs(labels, top_confusions(counts, selection.settings.classes_shown))
    pictures_of_cell(selection)


def _chosen_classes(counts: Indices, classes_shown: int) -> list[int]:
    """Return the classes to draw: all, or the most mispredicted."""
    classes = len(counts)
    if classes > MOST_DRAWN:
        st.caption(f"The matrix shows the {classes_shown} most mispredicted of {classes} classes.")
        return most_mispredicted(counts, classes_shown)
    if classes > classes_shown:
        worst = f"{classes_shown} most mispredicted"
        choice = st.segmented_control(
            "Classes", ["All", worst], default="All", key=f"bias.which.{classes_shown}", persist_state=KEPT
        )
        if choice == worst:
            return most_mispredicted(counts, classes_shown)
    return list(range(classes))


def _figure(matrix: Matrix) -> go.Figure:
    figure = go.Figure(_heatmap(matrix))
    cells = _cells(matrix)
    figure.add_trace(_written(cells, matrix) if len(matrix.names) <= MOST_WRITTEN else cells)
    _outline_chosen(figure, matrix)
    columns, rows = len(matrix.columns), len(matrix.names)
    figure.update_xaxes(
        named_axis(matrix.columns, title="Predicted class", side="top", range=[-0.5, columns - 0.5], **TICKS)
    )
    figure.update_yaxes(named_axis(matrix.names, title="True class", range=[rows - 0.5, -0.5], **TICKS))
    figure.update_layout(height=160 + min(30 * rows, 640), showlegend=False, margin={"t": 40, "b": 8})
    return figure.update_layout(dragmode=False, hovermode="closest", hoverdistance=-1)


def _heatmap(matrix: Matrix) -> go.Heatmap:
    gap = 1 if len(matrix.names) <= MOST_EMPTY else 0
    return go.Heatmap(
        z=matrix.shares(matrix.by),
        colorscale=scale(),
        zmin=0,
        zmax=matrix.highest,
        hoverinfo="skip",
        xgap=gap,
        ygap=gap,
        colorbar={"thickness": 12, "tickformat": "" if matrix.by == "counts" else ".1f"},
    )


def _cells(matrix: Matrix) -> go.Scatter:
    """Return invisible points on the cells, since clicks on a heatmap are not reported; with many classes, only
    on cells with pictures.

    customdata: the true and the predicted class, -1 for the others.
    """
    counts, shares = matrix.drawn, matrix.shares("rows")
    cells = np.argwhere(counts if len(matrix.names) > MOST_EMPTY else np.ones_like(counts)).tolist()
    predicted = [*matrix.chosen, -1]
    names, columns = list(map(plain, matrix.names)), list(map(plain, matrix.columns))
    return go.Scatter(
        x=[place for _, place in cells],
        y=[row for row, _ in cells],
        mode="markers",
        marker={"symbol": "square", "size": 8, "color": "rgba(0,0,0,0)"},
        customdata=[[int(matrix.chosen[i]), int(predicted[j])] for i, j in cells],
        hovertext=[_hover(names[i], columns[j], int(counts[i, j]), float(shares[i, j])) for i, j in cells],
        hoverinfo="text",
    )


def _hover(actual: str, predicted: str, count: int, share: float) -> str:
    of_class = "" if np.isnan(share) else f", {number(share)} of the class"
    return f"{actual} predicted as {predicted}<br>{count:,} pictures{of_class}"


def _written(cells: go.Scatter, matrix: Matrix) -> go.Scatter:
    """Write each cell's number on it."""
    values = matrix.shares(matrix.by)[cells.y, cells.x]
    digits = 0 if matrix.by == "counts" else 2
    colours = [ink_on(value / matrix.highest) for value in values]
    texts = [UNDEFINED if np.isnan(value) else f"{value:.{digits}f}" for value in values]
    return cells.update(mode="markers+text", text=texts, textposition="middle center", textfont={"color": colours})


def _outline_chosen(figure: go.Figure, matrix: Matrix) -> None:
    cell = [session.value_of(ACTUAL), session.value_of(PREDICTED)]
    if all(label in matrix.names for label in cell):
        y, x = map(matrix.names.index, cell)
        around = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
        figure.add_shape(type="rect", line={"color": LIMIT, "width": 3}, **around)


def _clicked(labels: Sequence[str]) -> None:
    points = session.value_of(CHART).selection.points
    if points:
        _choose(labels, *points[0]["customdata"])


def _choose(labels: Sequence[str], actual: int, predicted: int) -> None:
    session.put(ACTUAL, labels[actual])
    session.put(PREDICTED, labels[predicted] if predicted >= 0 else None)


def _pairs(labels: Sequence[str], pairs: Sequence[Confusion]) -> None:
    """Show the pairs of classes that are confused most; clicking one chooses its cell."""
    if not pairs:
        st.info("No picture was predicted as a wrong class.", icon=":material/check:")
        return
    rows = [(labels[pair.actual], labels[pair.predicted], pair.count, pair.rate) for pair in pairs]
    with st.expander(f"The {len(pairs)} most confused pairs", expanded=False):
        st.dataframe(
            pd.DataFrame(rows, columns=["True class", "Predicted class", "Pictures", "Share of the class"]),
            hide_index=True,
            column_config={
                "Pictures": st.column_config.NumberColumn(format=COUNT),
                "Share of the class": st.column_config.NumberColumn(format="%.3f"),
            },
            key=PAIRS,
            on_select=partial(_picked, labels, pairs),
            selection_mode="single-row",
            alt="The pairs of classes that are confused most",
        )


def _picked(labels: Sequence[str], pairs: Sequence[Confusion]) -> None:
    for row in session.value_of(PAIRS).selection.rows:
        _choose(labels, pairs[row].actual, pairs[row].predicted)
