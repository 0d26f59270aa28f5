"""Which pictures are looked at, how they are decided, and how figures are computed: the same on every tab."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

import streamlit as st

from vitrine.ui import address, session
from vitrine.ui.background import Work, in_background
from vitrine.ui.controls import declared
from vitrine.ui.slots.bias import BiasSlot, Held
from xai_core.bias.filters import Chosen
from xai_core.bias.groups import UNKNOWN
from xai_core.bias.predictions import Predictions
from xai_core.bias.progress import Tell
from xai_core.bias.settings import NOTHING, Decision, Settings
from xai_core.bias.thresholds import with_threshold
from xai_core.bias.wording import natural
from xai_core.errors import DataError

KEPT: Final = "session"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Filters:
    """What is looked at. one: the class that is decided by a threshold, where there is such."""

    chosen: Chosen
    one: str | None = None
    threshold: float = 0.5

    def of(self, found: Predictions) -> Predictions:
        """Return the predictions that are looked at. Raises DataError where these filters do not apply."""
        if self.one is not None:
            if self.one not in found.labels:
                raise DataError(f"There is no class called {self.one!r} in this table, so no threshold decides it.")
            found = with_threshold(found, found.labels.index(self.one), self.threshold)
        mask = self.chosen.mask(found)
        return found if mask.all() else found.chosen(mask)


@dataclass(frozen=True, eq=False)
class Part:
    """What is looked at of one model's predictions. key: what decides it."""

    slot: BiasSlot
    held: Held
    found: Predictions
    key: tuple[object, ...]

    @property
    def name(self) -> str:
        return self.held.name

    def once(self, what: object, work_out: Callable[[Predictions], Found]) -> Found:
        """Return what is worked out of these predictions, worked out the first time that it is asked for."""
        return self.slot.once((*self.key, what), lambda: work_out(self.found))

    def begun(self, what: object) -> Work[Any] | None:
        """Return the job that works something out in the background, where it was begun and is still kept."""
        job: Work[Any] | None = self.slot.figures.get((*self.key, what))
        return job

    def begin(self, what: object, work_out: Callable[[Predictions, Tell], Any]) -> None:
        """Begin to work something out of these predictions, in a thread of its own; `Tell` hears how far it is."""
        self.slot.begin((*self.key, what), in_background(lambda tell: work_out(self.found, tell)))


def filters_form(held: Sequence[Held]) -> Filters:
    """Show what pictures can be chosen by, and return what is chosen."""
    labels = _in_order(one.predictions.labels for one in held)
    confident = any(one.predictions.probabilities is not None for one in held)
    with st.expander("Filters", expanded=True):
        actual = _several("True class", labels, "bias.actual")
        predicted = _several("Predicted class", labels, "bias.predicted")
        attributes = {name: _several(name, values, f"bias.of.{name}") for name, values in _attributes(held).items()}
        least, most = _confidence() if confident else (0.0, 1.0)
        only_wrong = st.toggle("Only wrong", key="bias.wrong", persist_state=KEPT)
    chosen = Chosen(
        actual=actual,
        predicted=predicted,
        attributes={name: values for name, values in attributes.items() if values},
        least_confidence=least,
        most_confidence=most,
        only_wrong=only_wrong,
    )
    return _decided(Filters(chosen), labels) if confident else Filters(chosen)


def settings_form(held: Sequence[Held]) -> Settings:
    """Show how figures are computed and how much of them is shown, and return it."""
    with st.expander("Intervals and limits"):
        found = declared(Settings, {"stratify_by": list(_attributes(held))})
    address.faults()
    return found


def parts_of(slot: BiasSlot, filters: Filters) -> tuple[list[Part], dict[str, str]]:
    """Return what is looked at of each model, and by name why nothing is of the others."""
    parts, absent = [], {}
    for one in slot.held.values():
        key = (one.number, repr(filters))
        try:
            found = slot.part(key, partial(filters.of, one.predictions))
        except DataError as error:
            absent[one.name] = str(error)
            continue
        if len(found):
            parts.append(Part(slot, one, found, key))
        else:
            absent[one.name] = "No picture passes the filters; choose fewer."
    slot.stop_work(but={part.key for part in parts})
    return parts, absent


def applied(part: Part, settings: Settings) -> Settings:
    """Return the settings as they hold for a model; one without the attribute is drawn as a whole."""
    known = settings.stratify_by in part.found.attributes
    return settings if known else replace(settings, stratify_by=NOTHING)


def _decided(filters: Filters, labels: Sequence[str]) -> Filters:
    with st.expander("Decision"):
        key = "bias.decided"
        if session.value_of(key) not in labels:
            session.put(key, None)
        one = st.selectbox(
            "Decide one class by a threshold", labels, key=key, placeholder="the most probable wins", persist_state=KEPT
        )
        if one is None:
            return filters
        return replace(filters, one=one, threshold=declared(Decision).threshold)


def _several(label: str, options: Sequence[str], key: str) -> tuple[str, ...]:
    if session.has(key):
        session.put(key, [one for one in session.value_of(key) if one in options])
    return tuple(st.multiselect(label, options, key=key, placeholder="any", persist_state=KEPT))


def _confidence() -> tuple[float, float]:
    low, high = st.slider("Confidence", 0.0, 1.0, (0.0, 1.0), 0.01, key="bias.confidence", persist_state=KEPT)
    return float(low), float(high)


def _attributes(held: Sequence[Held]) -> dict[str, list[str]]:
    """Return the values of all attributes that make groups, by name."""
    slot, found = session.slot(BiasSlot), dict[str, list[str]]()
    for one in held:
        own = slot.once((one.number, "values"), partial(values_of, one.predictions))
        for name, values in own.items():
            found[name] = _in_order([found.get(name, []), values])
    return {name: values for name, values in found.items() if len(values) > 1}


def values_of(found: Predictions) -> dict[str, list[str]]:
    """Return the values of each attribute, by its name."""
    return {
        name: [value or UNKNOWN for value in sorted(set(values.tolist()), key=natural)]
        for name, values in found.attributes.items()
    }


def _in_order(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(one for group in groups for one in group))
