"""Many pictures, a page at a time."""

from __future__ import annotations

import zlib

import streamlit as st

from xai_core.types import Indices


def page_of(numbers: Indices, size: int, key: str, of: object) -> Indices:
    """Return the numbers on the chosen page, `size` per page; show a choice of pages if there are several.

    of: what is numbered; each keeps its own page, initially the first.
    """
    pages = -(-len(numbers) // size)
    if pages < 2:
        return numbers
    own = f"{key}.{zlib.crc32(repr(of).encode()):08x}"
    start = (st.pagination(pages, key=own) - 1) * size
    shown = numbers[start : start + size]
    st.caption(f"{start + 1:,} to {start + len(shown):,} of {len(numbers):,}")
    return shown
