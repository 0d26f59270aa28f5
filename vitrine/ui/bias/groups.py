"""How groups of one model's pictures differ: by an attribute, or by two crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots
from streamlit.delta_generator import DeltaGenerator

from vitrine.ui import frame, session
from vitrine.ui.bias.accuracy import accuracy_by_group
from vitrine.ui.bias.forms import KEPT
from vitrine.ui.bias.gaps import class_by_class
from vitrine.ui.bias.meanings import comparison_table
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.charts import (
    COLOURS,
    COUNT,
    FAINT,
    MOST_GROUPS,
    as_rows,
    intervals,
    largest,
    plain,
    readable,
    with_interval,
)
from vitrine.ui.drawing.text import literal
from xai_core.bias.class_gaps import most_uneven_class
from xai_core.bias.group_comparison import Group, GroupComparison, metrics_for
from xai_core.bias.group_metric import GROUP_METRICS, Comparison, GroupMetric, comparisons
from xai_core.bias.groups import CROSSED
from xai_core.bias.settings import Settings
from xai_core.wording import UNDEFINED, capitalised, number, some

ATTRIBUTE, CROSSING, POSITIVE = "bias.attribute", "bias.crossing", "bias.positive"
LEFT_OUT = (
    "They are left out of differences, ratios and disparate impact (Intervals and limits: Leave out small groups)."
)
MISSING = (
    "They stand apart and take no part in differences, ratios and disparate impact (Intervals and limits: Compare "
    "missing)."
)
INCLUDED = "They are compared anyway, so chance alone can decide (Intervals and limits: Leave out small groups)."
TOO_FEW_GROUPS = " Fewer than two groups remain, so there is nothing to compare."


def groups(selection: Selection, selections: Sequence[Selection]) -> None:
    """Show how groups of one model's pictures differ, and the comparisons for all models."""
    names = _chosen_attributes(selection, st.columns(2))
    if not names:
        st.info("Groups need an attribute with at least two values among these pictures.", icon=":material/group:")
        return
    others = [each for each in selections if each is not selection and set(names) <= set(each.attributes)]
    _cautions(selection.compare(names, selection.predictions.labels[0]), selection.settings)
    in_order = (selection, *others)
    accuracy_by_group({each.name: each.compare(names, each.predictions.labels[0]) for each in in_order}, names)
    label = _one_against_the_rest(selection, names)
    known = [each for each in in_order if label in each.predictions.labels]
    _between({each.name: each.compare(names, label) for each in known}, label, selection.settings)
    class_by_class(selection.class_gaps(names), selection.settings.classes_shown)


def _one_against_the_rest(selection: Selection, names: tuple[str, ...]) -> str:
    """Show the rates of each group for a chosen class, and return the class."""
    label = _label(selection, names)
    title = f"Rates for the class {literal(label, 60)} against the rest, by {literal(CROSSED.join(names), 80)}"
    st.markdown(f"**{title}**")
    comparison = selection.compare(names, label)
    _undefined(comparison)
    _rates(comparison.groups, metrics_for(selection.predictions, "one class"))
    return label


def _chosen_attributes(selection: Selection, columns: Sequence[DeltaGenerator]) -> tuple[str, ...]:
    """Show a choice of an attribute, and of a second one to cross it with, and return them."""
    offered = list(selection.attributes)
    if not offered:
        return ()
    with columns[0]:
        name = _choice("Attribute", offered, ATTRIBUTE, offered[0])
    with columns[1]:
        crossed = _choice("Crossed with", [attribute for attribute in offered if attribute != name], CROSSING, None)
    return tuple(each for each in (name, crossed) if each is not None)


def _choice(label: str, options: Sequence[str], key: str, default: str | None) -> str | None:
    if session.value_of(key) not in options:
        session.put(key, default)
    chosen: str | None = st.selectbox(label, options, key=key, placeholder="nothing", persist_state=KEPT)
    return chosen


def _label(selection: Selection, names: tuple[str, ...]) -> str:
    """Show a choice of the class for the rates; initially the one whose selection rate differs most between groups."""
    labels, key = selection.predictions.labels, f"{POSITIVE}.{selection.held.number}"
    if session.value_of(key) not in labels:
        session.put(key, labels[most_uneven_class(selection.class_gaps(names))])
    return str(st.selectbox("Class against the rest", labels, key=key, persist_state=KEPT))


def _cautions(comparison: GroupComparison, settings: Settings) -> None:
    """Warn about groups that are too small to be reliable, and say whether they are compared anyway."""
    if comparison.small:
        treatment = INCLUDED if _compared_anyway(comparison) else LEFT_OUT
        alone = TOO_FEW_GROUPS if len(comparison.compared) < 2 else ""
        frame.warn(f"Fewer than {settings.group_minimum} pictures: {some(comparison.small)}. {treatment}{alone}")
    if comparison.missing:
        frame.warn(f"{_missing(comparison)} {MISSING}")
    if len(comparison.groups) > MOST_GROUPS:
        st.caption(
            f"The charts show the {MOST_GROUPS} largest of {len(comparison.groups)} groups; the tables show all."
        )


def _missing(comparison: GroupComparison) -> str:
    """Say how many pictures have no value."""
    count = sum(group.pictures for group in comparison.groups if group.name in comparison.missing)
    return f"{count:,} pictures have no value: {some(comparison.missing)}."


def _undefined(comparison: GroupComparison) -> None:
    for key, names in comparison.undefined.items():
        metric = GROUP_METRICS[key]
        st.caption(
            f":material/info: {metric.title} is {UNDEFINED} for {literal(some(names))} ({metric.undefined}), so "
            f"comparisons that use it are {UNDEFINED} too."
        )


def _rates(groups: Sequence[Group], metrics: Sequence[GroupMetric]) -> None:
    rows = [
        {"Group": group.name, "Pictures": group.pictures} | {metric.title: _shown(group, metric) for metric in metrics}
        for group in groups
    ]
    chart = _chart(largest(groups), metrics)
    st.plotly_chart(readable(chart), key="bias.chart.groups", alt="Rates of each group with intervals")
    columns: dict[str, Any] = {metric.title: st.column_config.TextColumn(help=_tooltip(metric)) for metric in metrics}
    columns["Pictures"] = st.column_config.NumberColumn(format=COUNT)
    columns["Group"] = st.column_config.TextColumn(pinned=True)
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, column_config=columns, key="bias.rates", alt="Rates of each group"
    )


def _shown(group: Group, metric: GroupMetric) -> str:
    rate = group.rates[metric.id]
    return with_interval(rate.value, rate.low, rate.high)


def _tooltip(metric: GroupMetric) -> str:
    better = "" if metric.direction == "neither" else f" {capitalised(metric.direction)}."
    return f"{capitalised(metric.meaning)}: {literal(metric.formula)}.{better}"


def _chart(groups: Sequence[Group], metrics: Sequence[GroupMetric]) -> go.Figure:
    titles = [metric.title.replace(" ", "<br>") for metric in metrics]
    chart = make_subplots(cols=len(metrics), shared_yaxes=True, subplot_titles=titles)
    for column, metric in enumerate(metrics, 1):
        for colour, small in ((COLOURS[0], False), (FAINT, True)):
            if places := [place for place, group in enumerate(groups) if group.small is small]:
                chart.add_trace(_dots(groups, metric, places, colour), row=1, col=column)
    chart.update_xaxes(range=[-0.05, 1.05], zeroline=False, tickvals=[0, 0.5, 1])
    as_rows(chart, [group.name for group in groups], row=30)
    chart.update_annotations(font_size=13)
    return chart.update_layout(showlegend=False, margin={"t": 64, "b": 24})


def _dots(groups: Sequence[Group], metric: GroupMetric, places: Sequence[int], colour: str) -> go.Scatter:
    shown = [groups[place] for place in places]
    rates = [group.rates[metric.id] for group in shown]
    texts = [
        f"{plain(group.name)}: {group.pictures:,} pictures<br>{metric.title} {_shown(group, metric)}" for group in shown
    ]
    return intervals([(rate.value, rate.low, rate.high) for rate in rates], places, metric.title, colour, texts)


def _between(by_model: Mapping[str, GroupComparison], label: str, settings: Settings) -> None:
    """Show how far the groups of each model differ in the rates for a class, and warn of adverse impact."""
    declared = comparisons("one class")
    for name, comparison in by_model.items():
        for each in declared:
            if comparison.is_adverse(each):
                frame.warn(f"{name}: {_adverse(comparison, each, label)}{_on_what(comparison, settings)}.")
    comparison_table({name: comparison.between for name, comparison in by_model.items()}, declared)


def _adverse(comparison: GroupComparison, each: Comparison, label: str) -> str:
    value = number(comparison.between[each.id])
    return (
        f"{each.title.lower()} for the class {label[:40]} is {value}; below {each.adverse_below:g} it counts as "
        "adverse impact"
    )


def _compared_anyway(comparison: GroupComparison) -> bool:
    """Whether small groups are compared."""
    return any(group.small for group in comparison.compared)


def _on_what(comparison: GroupComparison, settings: Settings) -> str:
    """Say what happened to small groups in the comparison."""
    if not comparison.small:
        return ""
    how = "including" if _compared_anyway(comparison) else "without"
    return f" ({how} groups of fewer than {settings.group_minimum} pictures: {some(comparison.small)})"
