"""From declared parameters to Streamlit controls."""

from __future__ import annotations

from typing import Any, TypeVar

import streamlit as st

from ui import session
from xai_core.params import Declared, Param, Size

Made = TypeVar("Made", bound=Declared)


def parameter_form(declared: type[Made], size: Size) -> Made:
    """Show one control for each declared parameter and return the configured method or filter.

    Values live in the page's address, so that a link restores them. Raises ParamError where values contradict.
    """
    values = {p.name: _control(p, f"{declared.id}.{p.name}", size) for p in declared.params}
    return declared.fitted(size, values)


def _control(param: Param, key: str, size: Size) -> Any:
    if param.choices:
        index = param.choices.index(param.default)
        return st.selectbox(param.label, param.choices, index, key=key, help=param.help, bind="query-params")
    if param.kind is bool:
        return st.toggle(param.label, param.default, key=key, help=param.help, bind="query-params")
    return _slider(param, key, size)


def _slider(param: Param, key: str, size: Size) -> Any:
    assert param.range is not None, f"{param.name} is a number and needs a Range."
    low, high = param.kind(param.range.low), param.kind(param.range.upper(size))
    if low >= high:
        return low
    session.settle(key, low, high)
    label = f"{param.label} ({param.range.unit})" if param.range.unit else param.label
    step = param.kind(param.range.step or 1) if param.kind is int else param.range.step
    return st.slider(label, low, high, param.fitting(size), step, key=key, help=param.help, bind="query-params")
