"""What a link restores: the method, its parameters and the target, as in `?method=rise&rise.samples=4000`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from vitrine.ui import frame, session
from xai_core.errors import ParamError

Option = TypeVar("Option")


def arrive(page: str) -> None:
    """Note which page is shown; when it has just been opened, what its address asks for holds over what was set."""
    if session.value_of("page") != page:
        session.put("page", page)
        session.workspace().address |= st.query_params.to_dict()


def ask(key: str, text: str) -> None:
    """Ask for a widget's value as a link does; it holds from when the widget is next drawn.

    Setting it at once would not do: the browser may send the old value once more before it sees the new one.
    """
    session.workspace().address[key] = text


def first_value(key: str, default: Any, read: Callable[[str], Any]) -> None:
    """Give a widget its first value: what the address said when the page was opened, or else the default.

    `read` turns the address's text into a value; its ParamError is shown, and the default stands.
    """
    text = session.workspace().address.pop(key, None)
    if not session.has(key):
        session.put(key, default)
    if text is not None:
        try:
            session.put(key, read(text))
            session.workspace().link_faults.pop(key, None)
        except ParamError as error:
            session.workspace().link_faults[key] = f"The link can not be followed in full. {error}"


def faults() -> None:
    """Show what in the link could not be followed."""
    for sentence in session.workspace().link_faults.values():
        frame.warn(sentence)


def keep(key: str, value: Any, default: Any, as_text: Callable[[Any], str] = str, always: bool = False) -> None:
    """Write a widget's value into the address, and leave it out where it is the default, unless `always`."""
    if value != default:
        session.workspace().link_faults.pop(key, None)
    if value != default or always:
        st.query_params[key] = as_text(value)
    elif key in st.query_params:
        del st.query_params[key]


def choice(
    label: str,
    options: Sequence[Option],
    default: Option,
    *,
    key: str,
    shown: Callable[[Option], str],
    always: bool = False,
) -> Option:
    """Show a select box whose value is in the address, with `always` even where it is the default."""
    by_text = {str(option): option for option in options}

    def read(text: str) -> Option:
        if text not in by_text:
            known = f"; there are {', '.join(by_text)}" if len(by_text) < 40 else ""
            raise ParamError(f"There is no {label.lower()} called {text!r} here{known}.")
        return by_text[text]

    first_value(key, default, read)
    if session.value_of(key) not in options:
        session.put(key, default)
    chosen: Option = st.selectbox(label, options, format_func=shown, key=key, persist_state="session")
    keep(key, chosen, default, always=always)
    return chosen
