"""Streamlit controls generated from declared parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from vitrine.ui import session
from vitrine.ui.settings import address
from xai_core.method import Known
from xai_core.params import Declared, Param, Size
from xai_core.types import Capability, Card, Layer

Settings = TypeVar("Settings", bound=Declared)


def parameter_form(chosen: type[Known], size: Size, card: Card) -> Known:
    """Show a control for each declared parameter that matters, within the model's limits; return the configured method.

    size: height and width of the input, in pixels.
    Values live in the page's address, so that a link restores them. Raises ParamError if values contradict each other.
    """
    values: dict[str, Any] = {}
    for param in chosen.params_for(card):
        if param.only_if is None or param.only_if.holds(values):
            values[param.name] = _control(param, f"{chosen.id}.{param.name}", size, card)
    return chosen.fitted(size, values)


def declared(chosen: type[Settings], offered: Mapping[str, Sequence[str]] | None = None) -> Settings:
    """Show one control for each declared parameter of settings that depend on no model, and return them.

    offered: for parameters whose values come with the data, the choices besides the default, by name.
    """
    names = offered or {}
    params = [replace(p, choices=(p.default, *names[p.name])) if p.name in names else p for p in chosen.params]
    return chosen.fitted(None, {p.name: _control(p, f"{chosen.id}.{p.name}") for p in params})


def _control(param: Param, key: str, size: Size | None = None, card: Card | None = None) -> Any:
    default = param.fitting(size)

    def read(text: str) -> Any:
        value = param.parse(text)
        param.check(value, size)
        return value

    address.first_value(key, default, read)
    if param.kind is tuple and card is not None:
        value = _names(param, key, card.layers, _usual(card))
    else:
        value = _widget(param, key, size)
    address.keep(key, value, default, param.text)
    return value


def _names(param: Param, key: str, layers: Sequence[Layer], usual: str) -> tuple[str, ...]:
    """Show a list of names that come with the model, in its order; names of a different model are dropped."""
    chosen = session.value_of(key)
    session.put(key, [name for name in param.choices if name in chosen])
    sizes = {layer.name: _sized(layer) for layer in layers}
    shown = partial(st.multiselect, param.label, param.choices, key=key, help=param.help, placeholder=usual)
    names = shown(format_func=lambda name: sizes.get(name, name), persist_state="session")
    return tuple(name for name in param.choices if name in names)


def _usual(card: Card) -> str:
    """Return what is used when no name is chosen."""
    if Capability.DETECT in card.capabilities:
        return "all levels"
    return (
        f"{'coarsest' if card.task == 'segment' else 'last'}: {_sized(card.usual_layer)}" if card.layers else "default"
    )


def _sized(layer: Layer) -> str:
    return f"{layer.name} ({layer.height}×{layer.width})"


def _widget(param: Param, key: str, size: Size | None) -> Any:
    if param.choices:
        if session.value_of(key) not in param.choices:
            session.put(key, param.default)
        return st.selectbox(param.label, param.choices, key=key, help=param.help, persist_state="session")
    if param.kind is bool:
        return st.toggle(param.label, key=key, help=param.help, persist_state="session")
    return _slider(param, key, size)


def _slider(param: Param, key: str, size: Size | None) -> Any:
    assert param.range is not None, f"{param.name} is a number and needs a Range."
    low, high = param.kind(param.range.low), param.kind(param.range.upper(size))
    if low >= high:
        return low
    session.settle(key, low, high)
    label = f"{param.label} ({param.range.unit})" if param.range.unit else param.label
    grain = param.range.step or (1 if param.kind is int else None)
    step = None if grain is None else param.kind(grain)
    return st.slider(label, low, high, step=step, key=key, help=param.help, persist_state="session")
