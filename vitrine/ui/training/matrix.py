"""A matrix of classes against classes, with its numbers written into the cells."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from vitrine.ui.drawing.charts import ink_on, named_axis, plain, scale
from xai_core.types import Indices
from xai_core.wording import UNDEFINED, number

MOST_NUMBERS = 30  # classes per side; above that, cells have no numbers
TICKS = {"showgrid": False, "zeroline": False, "automargin": True}
Cells = Indices | NDArray[np.float64]


def matrix_chart(values: Cells, labels: tuple[str, ...], rows: str, columns: str) -> go.Figure:
    """Draw counts, or shares of each row, (K, K). rows, columns: titles of the axes."""
    counts = np.issubdtype(values.dtype, np.integer)
    highest = max(1.0, float(values.max(initial=0))) if counts else 1.0
    figure = go.Figure(_heatmap(values, list(map(plain, labels)), highest, counts))
    if len(labels) <= MOST_NUMBERS:
        figure.add_trace(_written(values, highest))
    end = len(labels) - 0.5
    figure.update_xaxes(named_axis(labels, title=columns, side="top", range=[-0.5, end], **TICKS))
    figure.update_yaxes(named_axis(labels, title=rows, range=[end, -0.5], **TICKS))
    height = 160 + min(30 * len(labels), 640)
    return figure.update_layout(height=height, showlegend=False, margin={"l": 8, "r": 8, "t": 40, "b": 8})


def _heatmap(values: Cells, names: list[str], highest: float, counts: bool) -> go.Heatmap:
    places = range(len(names))
    return go.Heatmap(
        z=values,
        colorscale=scale(),
        zmin=0,
        zmax=highest,
        hovertext=[[_hover(names[row], names[column], values[row, column]) for column in places] for row in places],
        hoverinfo="text",
        xgap=1,
        ygap=1,
        colorbar={"thickness": 12, "tickformat": "" if counts else ".1f"},
    )


def _hover(row: str, column: str, value: float) -> str:
    if isinstance(value, np.integer):
        return f"{row} to {column}<br>{value:,} pictures"
    return f"{row} to {column}<br>{UNDEFINED if np.isnan(value) else f'{number(float(value))} of the class'}"


def _written(values: Cells, highest: float) -> go.Scatter:
    """Return the numbers that are written on the cells."""
    rows, columns = (places.ravel() for places in np.indices(values.shape))
    shown = values.ravel().tolist()
    return go.Scatter(
        x=columns,
        y=rows,
        mode="text",
        text=[_short(value) for value in shown],
        textfont={"color": [ink_on(value / highest) for value in shown]},
        hoverinfo="skip",
    )


def _short(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return UNDEFINED if np.isnan(value) else f"{value:.2f}"
