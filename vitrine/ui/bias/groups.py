"""What differs between groups of pictures of one model: by an attribute, or by two crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots
from streamlit.delta_generator import DeltaGenerator

from vitrine.ui import frame, session
from vitrine.ui.bias.accuracy import accuracies_of, accuracy_by_group
from vitrine.ui.bias.filters import KEPT, Part, values_of
from vitrine.ui.bias.gaps import class_by_class
from vitrine.ui.charts import (
    COLOURS,
    FAINT,
    MOST_GROUPS,
    apart_table,
    as_rows,
    intervals,
    largest,
    plain,
    with_interval,
)
from vitrine.ui.text import literal
from xai_core.bias.class_gaps import ClassGap, class_gaps, most_apart
from xai_core.bias.groups import CROSSED, RATES, Fairness, Group, compared, fairness, grouped
from xai_core.bias.reading import some
from xai_core.bias.settings import Settings
from xai_core.bias.wording import UNDEFINED, number, words
from xai_core.types import Texts

ATTRIBUTE, CROSSING, POSITIVE = "bias.attribute", "bias.crossing", "bias.positive"
RATE_MEANINGS = {
    "selection_rate": "share of the group that was taken for the class",
    "true_positive_rate": "share of the group's pictures of the class that were taken for it",
    "false_positive_rate": "share of the group's other pictures that were taken for it all the same",
    "positive_predictive_value": "share of what was taken for the class that is of it",
}
ABSENT = {  # why a rate of a group is not defined
    "true_positive_rate": "no picture of the class",
    "false_positive_rate": "no picture of another class",
    "positive_predictive_value": "nothing was taken for the class",
}
LEFT_OUT = (
    "They are left out of differences, ratios and disparate impact (Intervals and limits: Leave out small groups)."
)
TAKE_PART = "They are compared all the same, so chance alone may decide (Intervals and limits: Leave out small groups)."
NOTHING_LEFT = " Fewer than two groups are left, so nothing is compared."
GAP_MEANINGS = {
    "demographic_parity_difference": "The selection rates' greatest difference. It does not ask whether groups differ.",
    "disparate_impact": "The least selection rate over the greatest; below 0.8 it counts as adverse (four-fifths "
    "rule). It does not ask who was right.",
    "equal_opportunity_difference": "The recalls' greatest difference: who is missed more often.",
    "equal_opportunity_ratio": "The least recall over the greatest.",
    "equalized_odds_difference": "The greater of the differences of recall and false positive rate.",
    "equalized_odds_difference_mean": "The mean of these two differences.",
    "equalized_odds_ratio": "The lesser of the ratios of recall and of false positive rate.",
    "predictive_parity_difference": "The precisions' greatest difference: whose positives can be believed less.",
}


def groups(part: Part, parts: Sequence[Part], settings: Settings) -> None:
    """Show what differs between groups of one model's pictures, and how far groups lie apart for all models."""
    columns = st.columns(2)
    names = chosen_attributes(part, columns)
    if not names:
        st.info(
            "Groups need an attribute with two values among the pictures that are looked at.", icon=":material/group:"
        )
        return
    others = [one for one in parts if one is not part and _has(one, names)]
    _cautions(_fairness(part, names, part.found.labels[0], settings), settings)
    accuracy_by_group({one.name: accuracies_of(one, names, settings) for one in (part, *others)}, names)
    gaps = _gaps(part, names, settings)
    positive = _positive(part, gaps)
    found = _fairness(part, names, positive, settings)
    st.markdown(
        f"**Rates for the class {literal(positive, 60)} against the rest, by {literal(CROSSED.join(names), 80)}**"
    )
    _undefined(found)
    _rates(found.groups)
    known = [part, *(one for one in others if positive in one.found.labels)]
    _apart({one.name: _fairness(one, names, positive, settings) for one in known}, positive, settings)
    class_by_class(gaps, settings)


def chosen_attributes(part: Part, columns: Sequence[DeltaGenerator]) -> tuple[str, ...]:
    """Show a choice of an attribute, and beside it of another one to cross it with, and return them."""
    offered = [name for name, values in part.once("values", values_of).items() if len(values) > 1]
    if not offered:
        return ()
    with columns[0]:
        name = _choice("Attribute", offered, ATTRIBUTE, offered[0])
    with columns[1]:
        other = _choice("Crossed with", [one for one in offered if one != name], CROSSING, None)
    return tuple(chosen for chosen in (name, other) if chosen is not None)


def _choice(label: str, options: Sequence[str], key: str, default: str | None) -> str | None:
    if session.value_of(key) not in options:
        session.put(key, default)
    return st.selectbox(label, options, key=key, placeholder="nothing", persist_state=KEPT)


def _grouped(part: Part, names: tuple[str, ...]) -> Texts:
    return part.once(("groups", names), lambda found: grouped(found, names))


def _fairness(part: Part, names: tuple[str, ...], positive: str, settings: Settings) -> Fairness:
    what = (settings.group_minimum, settings.interval_level, settings.leave_out_small_groups)
    one = part.found.labels.index(positive)
    return part.once(("fairness", names, one, *what), lambda found: fairness(found, _grouped(part, names), one, *what))


def _gaps(part: Part, names: tuple[str, ...], settings: Settings) -> list[ClassGap]:
    groups = _grouped(part, names)
    among = compared(groups, settings.group_minimum, settings.leave_out_small_groups)
    return part.once(("gaps", names, among), lambda found: class_gaps(found, groups, among))


def _has(part: Part, names: tuple[str, ...]) -> bool:
    """Whether a model has these groups."""
    values = part.once("values", values_of)
    return all(len(values.get(name, [])) > 1 for name in names)


def _positive(part: Part, gaps: Sequence[ClassGap]) -> str:
    """Show a choice of the class that rates are of; at first the one whose share differs most between groups."""
    labels = part.found.labels
    key = f"{POSITIVE}.{part.held.number}"
    if session.value_of(key) not in labels:
        session.put(key, labels[most_apart(gaps)])
    return str(st.selectbox("Class against the rest", labels, key=key, persist_state=KEPT))


def _cautions(found: Fairness, settings: Settings) -> None:
    """Say which groups are too small to be relied on, and whether they are compared all the same."""
    small = [one.name for one in found.groups if one.small]
    if small:
        told = LEFT_OUT if found.left_out else TAKE_PART
        alone = NOTHING_LEFT if len(found.groups) - len(found.left_out) < 2 else ""
        frame.warn(f"Fewer than {settings.group_minimum} pictures: {some(small)}. {told}{alone}")
    if len(found.groups) > MOST_GROUPS:
        st.caption(f"Of {len(found.groups)} groups the {MOST_GROUPS} largest are drawn; the tables have all.")


def _undefined(found: Fairness) -> None:
    for rate, names in found.undefined.items():
        told = f"{words(rate)} is {UNDEFINED} for {literal(some(names))} ({ABSENT[rate]}), and so is what compares it."
        st.caption(f":material/info: {told}")


def _rates(found: Sequence[Group]) -> None:
    rows = [
        {"Group": one.name, "Pictures": one.samples}
        | {words(name): with_interval(rate.value, rate.low, rate.high) for name, rate in one.rates.items()}
        for one in found
    ]
    st.plotly_chart(_chart(largest(found)), key="bias.chart.groups", alt="Rates of each group with intervals")
    columns = {words(name): st.column_config.TextColumn(help=meaning) for name, meaning in RATE_MEANINGS.items()}
    columns["Group"] = st.column_config.TextColumn(pinned=True)
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, column_config=columns, key="bias.rates", alt="Rates of each group"
    )


def _chart(found: Sequence[Group]) -> go.Figure:
    chart = make_subplots(cols=len(RATES), shared_yaxes=True, subplot_titles=list(map(_titled, RATES)))
    places, colours = range(len(found)), [FAINT if one.small else COLOURS[0] for one in found]
    for column, rate in enumerate(RATES, 1):
        rows = [(one.rates[rate].value, one.rates[rate].low, one.rates[rate].high) for one in found]
        texts = [
            f"{plain(one.name)}: {one.samples:,} pictures<br>{words(rate)} {with_interval(*row)}"
            for one, row in zip(found, rows, strict=True)
        ]
        for colour in set(colours):
            mine = [n for n in places if colours[n] == colour]
            dots = intervals([rows[n] for n in mine], mine, rate, colour, [texts[n] for n in mine])
            chart.add_trace(dots, row=1, col=column)
    chart.update_xaxes(range=[-0.05, 1.05], zeroline=False, tickvals=[0, 0.5, 1])
    as_rows(chart, [one.name for one in found], row=30)
    chart.update_annotations(font_size=13)
    return chart.update_layout(showlegend=False, margin={"t": 64, "b": 24})


def _titled(rate: str) -> str:
    return words(rate).replace(" ", "<br>")


def _apart(found: Mapping[str, Fairness], positive: str, settings: Settings) -> None:
    """Show how far the groups of each model lie apart for the class."""
    for name, one in found.items():
        if one.four_fifths is False:
            impact = f"{number(one.disparate_impact)}{_on_what(one, settings)}"
            told = (
                f"disparate impact for the class {positive[:40]} is {impact}; below four fifths it counts as adverse."
            )
            frame.warn(f"{name}: {told}")
    apart_table(found, GAP_MEANINGS)


def _on_what(found: Fairness, settings: Settings) -> str:
    """Say what became of small groups where disparate impact was worked out."""
    small = [one.name for one in found.groups if one.small]
    if not small:
        return ""
    told = "without" if found.left_out else "also between"
    return f" {told} groups of fewer than {settings.group_minimum} pictures ({some(small)})"
