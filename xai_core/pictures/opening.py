"""How a picture's file is opened; flags and controls are read from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from xai_core.params import Declared, Range, params_of

MOST_PAGES = 10_000


@dataclass(frozen=True, kw_only=True)
class Opening(Declared):
    """Which picture of a file is taken, how it is shown, and what happens to one with too many pixels."""

    page: Annotated[
        int, Range(1, MOST_PAGES, 1), "Which picture of a file with several, such as a TIFF, counted from 1."
    ] = 1
    bands: Annotated[
        str,
        "Which bands are shown as red, green and blue if a picture has other channels than colours: one number or "
        "three, counted from 1 and separated by commas; empty for the first three.",
    ] = ""
    white: Annotated[
        float,
        Range(0, 1e9),
        "Value of a picture's bands that becomes 1, such as 10000; 0 for the white of the fewest bits that hold all "
        "values, such as 4095 for 12.",
    ] = 0.0
    window_centre: Annotated[
        float, Range(-1e6, 1e6), "Centre of the window of grey values of a DICOM picture, used with a window width."
    ] = 0.0
    window_width: Annotated[
        float, Range(0, 1e6), "Width of the window of grey values of a DICOM picture; 0 for the file's own window."
    ] = 0.0
    reduce: Annotated[
        bool, "Reduce a picture of more than 40 megapixels to 40, instead of refusing it; at most 150 megapixels."
    ] = False

    @property
    def key(self) -> str:
        """A text that differs for what shows a picture differently; "" for the first page as it is usually shown."""
        shown = {"page": self.page, "bands": self.bands, "window": (self.window_centre, self.window_width)}
        usual = {"page": 1, "bands": "", "window": (self.window_centre, 0.0)}
        if self.white:
            shown["white"] = self.white
        return "" if shown == usual else " ".join(f"{name} {value}" for name, value in shown.items())


Opening.id, Opening.title, Opening.params = "picture", "Picture", params_of(Opening)
