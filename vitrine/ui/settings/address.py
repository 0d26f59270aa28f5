"""Settings in the page address, so that a link restores them: `?method=rise&rise.samples=4000`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import streamlit as st

from vitrine.ui import frame, session
from xai_core.errors import ParamError

LISTED = 8  # so many options are all named in a message
Option = TypeVar("Option")


def arrive(page: str) -> None:
    """Note which page is shown; if it was just opened, its address overrides earlier settings."""
    if session.value_of("page") != page:
        session.put("page", page)
        session.workspace().address |= st.query_params.to_dict()


def ask(key: str, text: str) -> None:
    """Request a widget's value, as a link does; it takes effect when the widget is next drawn.

    Setting it at once would fail: the browser may send the old value once more before it sees the new one.
    """
    session.workspace().address[key] = text


def first_value(key: str, default: Any, read: Callable[[str], Any]) -> None:
    """Set a widget's first value: the one in the address when the page was opened, or else the default.

    `read` parses the text from the address; its ParamError is shown, and the default is used.
    """
    text = session.workspace().address.pop(key, None)
    if not session.has(key):
        session.put(key, default)
    if text is not None:
        try:
            session.put(key, read(text))
            session.workspace().link_faults.pop(key, None)
        except ParamError as error:
            session.workspace().link_faults[key] = f"Part of the link could not be applied. {error}"


def faults() -> None:
    """Show which parts of the link could not be applied."""
    for sentence in session.workspace().link_faults.values():
        frame.warn(sentence)


def keep(key: str, value: Any, default: Any, as_text: Callable[[Any], str] = str, always: bool = False) -> None:
    """Write a widget's value into the address; leave out the default, unless `always` is set."""
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
    """Show a select box whose value is in the address; with `always`, even if it is the default."""
    by_text = {str(option): option for option in options}

    def read(text: str) -> Option:
        if text not in by_text:
            listed = [*by_text] if len(by_text) <= LISTED else get_close_matches(text, by_text)
            likely = f" Did you mean one of these: {', '.join(listed)}?" if listed else ""
            raise ParamError(f"There is no {label.lower()} called {text!r}.{likely}")
        return by_text[text]

    first_value(key, default, read)
    if session.value_of(key) not in options:
        session.put(key, default)
    chosen: Option = st.selectbox(label, options, format_func=shown, key=key, persist_state="session")
    keep(key, chosen, default, always=always)
    return chosen
