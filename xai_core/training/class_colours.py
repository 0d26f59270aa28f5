"""Colours that distinguish classes, on light and on dark backgrounds.

The first is a fixed blue. Each next one is the farthest from all before it in Oklab (Ottosson 2020), both for normal
vision and for deuteranopia (Machado, Oliveira, Fernandes 2009), among colours that are neither grey nor garish.
"""

from __future__ import annotations

CLASS_COLOURS = (
    "#2078b7",
    "#e76018",
    "#cf68cf",
    "#00af70",
    "#970000",
    "#d7df28",
    "#780078",
    "#10f7bf",
    "#8f7800",
    "#00bfff",
    "#3830a7",
    "#ff8fa7",
    "#8787ff",
    "#d7a758",
    "#a76078",
    "#007838",
    "#dfa7ff",
    "#7850c7",
    "#409fa7",
    "#a71860",
    "#9fcf87",
    "#703048",
    "#60e7f7",
    "#9f5020",
)


def class_colour(number: int) -> str:
    """Return the colour of a class as "#rrggbb"; they repeat after the last."""
    return CLASS_COLOURS[number % len(CLASS_COLOURS)]
