"""Many pictures, a page at a time."""

from __future__ import annotations

import streamlit as st

from ui import session
from xai_core.types import Indices


def page_of(numbers: Indices, size: int, key: str, of: object) -> Indices:
    """Return the numbers on the page that is chosen, `size` a page, with a choice of pages where there are several.

    of: what the numbers are of; where that changes the first page is shown.
    """
    pages = max(1, -(-len(numbers) // size))
    if session.value_of(f"{key}.of") != of:
        session.put(f"{key}.of", of)
        session.put(key, 1)
    if pages == 1:
        return numbers
    session.settle(key, 1, pages)
    start = (st.pagination(pages, key=key) - 1) * size
    shown = numbers[start : start + size]
    st.caption(f"{start + 1:,} to {start + len(shown):,} of {len(numbers):,}")
    return shown
