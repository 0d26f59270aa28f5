"""What bias and training charts share: colours readable in light and dark themes, axis names, intervals."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol, TypeVar

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from xai_core.wording import number

COLOURS = (
    "rgb(59,116,201)",
    "rgb(214,120,30)",
    "rgb(35,150,105)",
    "rgb(205,80,130)",
    "rgb(140,105,205)",
    "rgb(140,130,45)",
)
FAINT, LIMIT = "rgb(128,136,145)", "rgb(205,60,60)"
LIGHT, DARK = ((240, 244, 248), (8, 81, 156)), ((28, 36, 45), (125, 205, 240))  # for a share of 0, and of 1
TEXT = ((74, 85, 99), (182, 194, 207))  # of axes, in the light and the dark theme
INKS = ((23, 33, 43), (255, 255, 255))
LONGEST_NAME = 28
ROW = 26  # pixels of a bar
NO_ROOM = 0.2  # of the longest bar; a shorter one has no room for text
MOST_GROUPS = 40  # that charts have room for
COUNT = "%,d"  # the format of a table's column of whole numbers, such as 12,000
Mark = float | None
Colour = tuple[int, int, int]


class HasPictures(Protocol):
    """Anything with a number of pictures."""

    @property
    def pictures(self) -> int: ...


Sized = TypeVar("Sized", bound=HasPictures)


def plain(text: str) -> str:
    """Escape and shorten text from a file, so that Plotly shows it literally."""
    return escape(text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…")


def scale() -> list[list[object]]:
    """Return the colours for shares from 0 to 1, which stand out from the current theme's background."""
    return [[0, _rgb(_ends()[0])], [1, _rgb(_ends()[1])]]


def ink_on(share: float) -> str:
    """Return the most readable text colour on the colour of a share; NaN stands for the background."""
    ends = _ends()
    under = np.array(ends[0]) if np.isnan(share) else (1 - share) * np.array(ends[0]) + share * np.array(ends[1])
    return _rgb(max(INKS, key=lambda ink: _contrast(_light(ink), _light(under))))


def readable(figure: go.Figure) -> go.Figure:
    """Give the text of a figure enough contrast, and return the figure; Streamlit's own grey has 3.7:1 on white."""
    ink = {"color": _rgb(TEXT[st.context.theme.type == "dark"])}
    figure.update_layout(font=ink, legend={"font": ink})
    figure.update_annotations(font=ink)
    figure.update_traces(textfont=ink, selector={"type": "sankey"})
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(tickfont=ink, title={"font": ink})
    return figure


def _ends() -> tuple[Colour, Colour]:
    return DARK if st.context.theme.type == "dark" else LIGHT


def _rgb(colour: Colour) -> str:
    return f"rgb({colour[0]},{colour[1]},{colour[2]})"


def _light(colour: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the relative luminance of a colour, 0 to 1. Source: WCAG 2.2."""
    parts = np.asarray(colour, np.float64) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _contrast(first: float, second: float) -> float:
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


def named_axis(names: Sequence[str], **more: object) -> dict[str, object]:
    """Return an axis with a name at each of the places 0, 1, ..."""
    return {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": list(map(plain, names)), **more}


def bars(values: Sequence[Mark], names: Sequence[str], hover: str, top: float | None = 1.0) -> go.Figure:
    """Return horizontal bars, the first at the top; an undefined one has no length and says "n/a"."""
    longest = top or max((value or 0 for value in values), default=0)
    figure = go.Figure(
        go.Bar(
            x=[value or 0 for value in values],
            y=list(range(len(values))),
            orientation="h",
            marker_color=COLOURS[0],
            text=list(map(number, values)),
            textposition=["inside" if (value or 0) > NO_ROOM * longest else "outside" for value in values],
            insidetextanchor="start",
            hovertext=[f"{plain(name)}: {number(value)}" for name, value in zip(names, values, strict=True)],
            hoverinfo="text",
        )
    )
    figure.update_xaxes(title=hover, range=None if top is None else [0, top * 1.08])
    return as_rows(figure, names)


def intervals(
    rows: Sequence[tuple[Mark, Mark, Mark]], places: Sequence[float], name: str, colour: str, texts: Sequence[str]
) -> go.Scatter:
    """Return dots with intervals (value, low, high) at the given heights; undefined ones are omitted."""
    known = [(row, place, text) for row, place, text in zip(rows, places, texts, strict=True) if row[0] is not None]
    above = [0.0 if high is None else max(0.0, high - value) for (value, _, high), _, _ in known if value is not None]
    below = [0.0 if low is None else max(0.0, value - low) for (value, low, _), _, _ in known if value is not None]
    return go.Scatter(
        x=[row[0] for row, _, _ in known],
        y=[place for _, place, _ in known],
        error_x={"type": "data", "array": above, "arrayminus": below, "thickness": 1.5, "width": 3},
        mode="markers",
        marker={"color": colour, "size": 9},
        name=plain(name),
        hovertext=[text for _, _, text in known],
        hoverinfo="text",
    )


def as_rows(figure: go.Figure, names: Sequence[str], row: int = ROW) -> go.Figure:
    """Lay out a figure with named rows, the first at the top."""
    figure.update_yaxes(named_axis(names, range=[len(names) - 0.5, -0.5], automargin=True, zeroline=False))
    figure.update_layout(height=90 + row * max(2, len(names)), margin={"l": 8, "r": 8, "t": 24, "b": 40})
    return figure


def largest(groups: Sequence[Sized]) -> list[Sized]:
    """Return the largest groups, as many as charts have room for, in their original order."""
    kept = sorted(range(len(groups)), key=lambda place: -groups[place].pictures)[:MOST_GROUPS]
    return [groups[place] for place in sorted(kept)]


def with_interval(value: Mark, low: Mark, high: Mark) -> str:
    """Return a figure as text: "0.843 [0.821, 0.861]"; "n/a" if undefined."""
    between = "" if value is None or low is None or high is None else f" [{number(low)}, {number(high)}]"
    return number(value) + between
