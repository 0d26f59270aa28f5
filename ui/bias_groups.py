"""What differs between groups of pictures of one model: by an attribute, or by two crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots
from streamlit.delta_generator import DeltaGenerator

from ui import frame, session
from ui.bias_charts import COLOURS, FAINT, as_rows, intervals, plain, with_interval
from ui.bias_filters import KEPT, Part, values_of
from ui.bias_gaps import class_by_class
from ui.text import literal
from xai_core.bias.groups import CROSSED, RATES, ClassGap, Fairness, Group, class_gaps, fairness, grouped
from xai_core.bias.predictions import Texts
from xai_core.bias.reading import some
from xai_core.bias.settings import Settings
from xai_core.bias.tables import most_apart
from xai_core.bias.wording import UNDEFINED, number, words

MOST_DRAWN = 40
ATTRIBUTE, CROSSING, POSITIVE = "bias.attribute", "bias.crossing", "bias.positive"
RATE_MEANINGS = {
    "selection_rate": "share of the group that was taken for the class",
    "true_positive_rate": "share of the group's pictures of the class that were taken for it (recall)",
    "false_positive_rate": "share of the group's other pictures that were taken for it all the same",
    "positive_predictive_value": "share of what was taken for the class that is of it (precision)",
    "accuracy": "share of the group for which the question of this class was answered rightly",
}
ABSENT = {  # why a rate of a group is not defined
    "true_positive_rate": "no picture of the class",
    "false_positive_rate": "no picture of another class",
    "positive_predictive_value": "nothing was taken for the class",
}
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
    "accuracy_difference": "The accuracies' greatest difference. It hides which kind of error differs.",
    "accuracy_std": "How far the groups' accuracies lie apart (their standard deviation).",
}


def groups(part: Part, parts: Sequence[Part], settings: Settings) -> None:
    """Show what differs between groups of one model's pictures, and how far groups lie apart for all models."""
    columns = st.columns(3)
    names = chosen_attributes(part, columns)
    if not names:
        st.info(
            "Groups need an attribute with two values among the pictures that are looked at.", icon=":material/group:"
        )
        return
    gaps = part.once(("gaps", names), lambda found: class_gaps(found, _grouped(part, names)))
    with columns[2]:
        positive = _positive(part, gaps)
    found = _fairness(part, names, positive, settings)
    _cautions(found, settings)
    st.markdown(f"**Rates of {literal(positive, 60)} by {literal(CROSSED.join(names), 80)}**")
    _rates(found.groups)
    others = [one for one in parts if one is not part and _has(one, names, positive)]
    _apart({part.name: found} | {one.name: _fairness(one, names, positive, settings) for one in others})
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
    return (name,) if other is None else (name, other)


def _choice(label: str, options: Sequence[str], key: str, default: str | None) -> str | None:
    if session.value_of(key) not in options:
        session.put(key, default)
    return st.selectbox(label, options, key=key, placeholder="nothing", persist_state=KEPT)


def _grouped(part: Part, names: tuple[str, ...]) -> Texts:
    return part.once(("groups", names), lambda found: grouped(found, names))


def _fairness(part: Part, names: tuple[str, ...], positive: str, settings: Settings) -> Fairness:
    least, level, one = settings.group_minimum, settings.interval_level, part.found.labels.index(positive)
    key = ("fairness", names, one, least, level)
    return part.once(key, lambda found: fairness(found, _grouped(part, names), one, least, level))


def _has(part: Part, names: tuple[str, ...], positive: str) -> bool:
    """Whether a model has these groups and this class."""
    values = part.once("values", values_of)
    return positive in part.found.labels and all(len(values.get(name, [])) > 1 for name in names)


def _positive(part: Part, gaps: Sequence[ClassGap]) -> str:
    """Show a choice of the class that rates are of; at first the one whose share differs most between groups."""
    labels = part.found.labels
    key = f"{POSITIVE}.{part.held.number}"
    if session.value_of(key) not in labels:
        session.put(key, labels[most_apart(gaps)])
    return str(st.selectbox("Rates of the class", labels, key=key, persist_state=KEPT))


def _cautions(found: Fairness, settings: Settings) -> None:
    small = [one.name for one in found.groups if one.small]
    if small:
        frame.warn(f"Fewer than {settings.group_minimum} pictures: {some(small)}. These groups rest on little.")
    for rate, names in found.undefined.items():
        told = f"{words(rate)} is {UNDEFINED} for {literal(some(names))} ({ABSENT[rate]}), and so is what compares it."
        st.caption(f":material/info: {told}")


def _rates(found: Sequence[Group]) -> None:
    rows = [
        {"Group": one.name, "Pictures": one.samples}
        | {words(name): with_interval(rate.value, rate.low, rate.high) for name, rate in one.rates.items()}
        for one in found
    ]
    if len(found) > MOST_DRAWN:
        st.caption(f"Of {len(found)} groups the {MOST_DRAWN} largest are drawn; the table has all.")
    drawn = sorted(sorted(found, key=lambda one: -one.samples)[:MOST_DRAWN], key=lambda one: one.name)
    st.plotly_chart(_chart(drawn), key="bias.chart.groups", alt="Rates of each group with intervals")
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


def _apart(found: Mapping[str, Fairness]) -> None:
    """Show how far the groups of each model lie apart for the class."""
    for name, one in found.items():
        if one.four_fifths is False:
            impact = number(one.disparate_impact)
            frame.warn(f"{name}: disparate impact is {impact}; below four fifths it counts as adverse.")
    rows = {
        words(gap): [*(number(getattr(one, gap)) for one in found.values()), meaning]
        for gap, meaning in GAP_MEANINGS.items()
    }
    columns = [*(literal(name, 40) for name in found), "What it says"]
    st.table(pd.DataFrame.from_dict(rows, orient="index", columns=columns))
