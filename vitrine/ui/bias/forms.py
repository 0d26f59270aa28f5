"""The controls of the Bias page: filters, the decision threshold, and settings. They apply to every tab."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import streamlit as st

from vitrine.ui import session
from vitrine.ui.bias.selection import Subset
from vitrine.ui.settings import address
from vitrine.ui.settings.controls import declared
from vitrine.ui.slots.bias import BiasSlot, Held
from xai_core.bias.filters import Filters
from xai_core.bias.groups import values_of
from xai_core.bias.settings import Decision, Settings

KEPT: Final = "session"


def filters_form(held: Sequence[Held]) -> Subset:
    """Show the filters, and return the subset that they select."""
    labels = _merged(each.predictions.labels for each in held)
    confident = any(each.predictions.probabilities is not None for each in held)
    with st.expander("Filters", expanded=True):
        filters = _filters(labels, _attributes(held), confident)
    return _decided(Subset(filters), labels) if confident else Subset(filters)


def settings_form(held: Sequence[Held]) -> Settings:
    """Show the settings for how metrics are computed and displayed, and return them."""
    with st.expander("Intervals and limits"):
        settings = declared(Settings, {"stratify_by": list(_attributes(held))})
    address.faults()
    return settings


def _filters(labels: Sequence[str], attributes: dict[str, list[str]], confident: bool) -> Filters:
    actual = _several("True class", labels, "bias.actual")
    predicted = _several("Predicted class", labels, "bias.predicted")
    chosen = {name: _several(name, values, f"bias.of.{name}") for name, values in attributes.items()}
    low, high = _confidence() if confident else (0.0, 1.0)
    return Filters(
        actual=actual,
        predicted=predicted,
        attributes={name: values for name, values in chosen.items() if values},
        least_confidence=low,
        most_confidence=high,
        only_wrong=st.toggle("Only wrong predictions", key="bias.wrong", persist_state=KEPT),
    )


def _decided(subset: Subset, labels: Sequence[str]) -> Subset:
    key = "bias.decided"
    if session.value_of(key) not in labels:
        session.put(key, None)
    with st.expander("Decision"):
        label = st.selectbox(
            "Decide one class by a threshold",
            labels,
            key=key,
            placeholder="most probable class",
            help="Pictures are predicted as this class from the threshold on; all others go to the most probable of "
            "the remaining classes.",
            persist_state=KEPT,
        )
        return subset if label is None else replace(subset, label=label, threshold=declared(Decision).threshold)


def _several(label: str, options: Sequence[str], key: str) -> tuple[str, ...]:
    if session.has(key):
        session.put(key, [value for value in session.value_of(key) if value in options])
    return tuple(st.multiselect(label, options, key=key, placeholder="any", persist_state=KEPT))


def _confidence() -> tuple[float, float]:
    low, high = st.slider(
        "Confidence",
        0.0,
        1.0,
        (0.0, 1.0),
        0.01,
        key="bias.confidence",
        help="Probability of the predicted class.",
        persist_state=KEPT,
    )
    return float(low), float(high)


def _attributes(held: Sequence[Held]) -> dict[str, list[str]]:
    """Return the values of all attributes that define groups, by name."""
    slot, merged = session.slot(BiasSlot), dict[str, list[str]]()
    for each in held:
        own = slot.once((each.number, "values"), partial(values_of, each.predictions))
        for name, values in own.items():
            merged[name] = _merged([merged.get(name, []), values])
    return {name: values for name, values in merged.items() if len(values) > 1}


def _merged(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))
