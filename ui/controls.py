"""From declared parameters to Streamlit controls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import streamlit as st

from ui import address, session
from xai_core.params import Declared, Param, Size

Made = TypeVar("Made", bound=Declared)


def parameter_form(declared: type[Made], size: Size, params: Sequence[Param]) -> Made:
    """Show one control for each declared parameter and return the configured method or filter.

    params: the declared ones, as the model allows them. Values live in the page's address, so that a link restores
    them. Raises ParamError where values contradict.
    """
    return declared.fitted(size, {p.name: _control(p, f"{declared.id}.{p.name}", size) for p in params})


def _control(param: Param, key: str, size: Size) -> Any:
    default = param.fitting(size)

    def read(text: str) -> Any:
        value = param.parse(text)
        param.check(value, size)
        return value

    address.first_value(key, default, read)
    value = _widget(param, key, size)
    address.keep(key, value, default)
    return value


def _widget(param: Param, key: str, size: Size) -> Any:
    if param.choices:
        if session.value_of(key) not in param.choices:
            session.put(key, param.default)
        return st.selectbox(param.label, param.choices, key=key, help=param.help, persist_state="session")
    if param.kind is bool:
        return st.toggle(param.label, key=key, help=param.help, persist_state="session")
    return _slider(param, key, size)


def _slider(param: Param, key: str, size: Size) -> Any:
    assert param.range is not None, f"{param.name} is a number and needs a Range."
    low, high = param.kind(param.range.low), param.kind(param.range.upper(size))
    if low >= high:
        return low
    session.settle(key, low, high)
    label = f"{param.label} ({param.range.unit})" if param.range.unit else param.label
    step = param.kind(param.range.step or 1) if param.kind is int else param.range.step
    return st.slider(label, low, high, step=step, key=key, help=param.help, persist_state="session")
