"""How a picture's file is opened; flags and controls are read from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from xai_core.params import Declared, Range, params_of

MOST_PAGES = 10_000


@dataclass(frozen=True, kw_only=True)
class Opening(Declared):
    """Which picture of a file is taken, and what happens to one with too many pixels."""

    page: Annotated[
        int, Range(1, MOST_PAGES, 1), "Which picture of a file with several, such as a TIFF, counted from 1."
    ] = 1
    reduce: Annotated[
        bool, "Reduce a picture of more than 40 megapixels to 40, instead of refusing it; at most 150 megapixels."
    ] = False


Opening.id, Opening.title, Opening.params = "picture", "Picture", params_of(Opening)
