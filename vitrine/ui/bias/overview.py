"""The models side by side in a few figures, with what each figure means and does not mean."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from vitrine.ui import frame
from vitrine.ui.bias.accuracy import widest_in_words
from vitrine.ui.bias.filters import Part, applied
from vitrine.ui.charts import COLOURS, as_rows, intervals, plain, with_interval
from vitrine.ui.text import literal
from xai_core.bias.classes import ClassFigures, class_figures
from xai_core.bias.groups import strata
from xai_core.bias.reading import some
from xai_core.bias.settings import NOTHING, Settings
from xai_core.bias.summary import MEANINGS, Figure, summary
from xai_core.bias.wording import words

FLOOR = "degree_of_bias_floor"


def overview(parts: Sequence[Part], settings: Settings) -> None:
    """Show the figures of all models."""
    with st.spinner("Drawing bootstrap samples …"):
        figures = [summary_of(part, settings) for part in parts]
    for part, found in zip(parts, figures, strict=True):
        _warnings(part, found)
    st.table(_table(parts, figures))
    st.caption(" ".join([_drawn(parts, settings), *map(partial(_undefined, settings=settings), parts, figures)]))
    _by_group(parts, settings)
    st.plotly_chart(_chart(parts, figures), key="bias.chart.overview", alt="The figures of the table with intervals")


def summary_of(part: Part, settings: Settings) -> dict[str, Figure]:
    """Return the figures of a model, drawn anew once for the same pictures and settings."""
    samples, by, level = settings.bootstrap_samples, applied(part, settings).stratify_by, settings.interval_level
    return part.once(
        ("summary", samples, by, level), lambda found: summary(found, samples, level, strata=strata(found, by))
    )


def figures_of(part: Part) -> list[ClassFigures]:
    """Return the figures of every class."""
    return part.once("classes", class_figures)


def _warnings(part: Part, found: dict[str, Figure]) -> None:
    never = [one.label for one in figures_of(part) if one.samples and not one.predicted]
    if never:
        told = "That alone raises the degree of bias and the precision std."
        frame.warn(f"{part.name} never predicts {some(never)}. {told}")
    degree, floor = found["degree_of_bias"].value, found[FLOOR].value
    if degree is not None and floor is not None and 0 < degree <= floor:
        told = f"The degree of bias of {literal(part.name)} is no more than what chance brings with so few pictures."
        st.caption(f":material/info: {told}")


def _table(parts: Sequence[Part], figures: Sequence[dict[str, Figure]]) -> pd.DataFrame:
    rows = {"Pictures": [*(f"{len(part.found):,}" for part in parts), ""]}
    for name, meaning in MEANINGS.items():
        shown = [with_interval(one[name].value, one[name].low, one[name].high) for one in figures]
        rows[words(name)] = [*(literal(one).replace(", ", ",\u00a0") for one in shown), meaning]
    columns = [*(literal(part.name, 40) for part in parts), "What it says"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _by_group(parts: Sequence[Part], settings: Settings) -> None:
    """Say between which groups accuracies lie furthest apart, of each model that has groups."""
    told = {part.name: said for part in parts if (said := widest_in_words(part, settings))}
    if told:
        lines = [said if len(parts) == 1 else f"{literal(name, 40)}: {said}" for name, said in told.items()]
        rest = "Where accuracies lie furthest apart; the tab Groups has all groups, and what these figures hide."
        st.markdown("**Accuracy by group**  \n" + "  \n".join(lines))
        st.caption(rest)


def _drawn(parts: Sequence[Part], settings: Settings) -> str:
    """Say how intervals were made, and for which models not so."""
    by = settings.stratify_by
    others = [part.name for part in parts if applied(part, settings).stratify_by != by]
    within = "" if by == NOTHING else f" stratified by {literal(by, 40)}"
    but = f" Without that attribute, so drawn as a whole: {literal(some(others))}." if others else ""
    told = f"{settings.interval_level:.0%} intervals from {settings.bootstrap_samples:,} bootstrap samples{within}."
    return f"In brackets: {told}{but}"


def _undefined(part: Part, found: dict[str, Figure], settings: Settings) -> str:
    most = max(one.undefined for one in found.values())
    if not 0 < most < settings.bootstrap_samples:
        return ""
    return f"Of {literal(part.name, 40)}, a figure was not defined in up to {most:,} of these samples."


def _chart(parts: Sequence[Part], figures: Sequence[dict[str, Figure]]) -> go.Figure:
    names = [name for name in MEANINGS if name != FLOOR]
    chart = go.Figure()
    for turn, (part, found) in enumerate(zip(parts, figures, strict=True)):
        rows = [(found[name].value, found[name].low, found[name].high) for name in names]
        texts = [
            f"{plain(part.name)}<br>{words(name)} {with_interval(*row)}" for name, row in zip(names, rows, strict=True)
        ]
        apart = min(0.25, 0.6 / len(parts))
        places = [row + apart * (turn - (len(parts) - 1) / 2) for row in range(len(names))]
        chart.add_trace(intervals(rows, places, part.name, COLOURS[turn], texts))
    chart.update_xaxes(range=[-0.02, 1.02], zeroline=False)
    chart.update_layout(showlegend=len(parts) > 1, legend={"orientation": "h", "y": 1.08})
    return as_rows(chart, list(map(words, names)), row=34)
