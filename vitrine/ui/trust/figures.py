"""The figures that a method returns beside its map, in words: what each is called, its format, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vitrine.ui.drawing.text import literal, percent
from xai_core.families.noise import DRAWN

FIGURES = {  # by diagnostic: its title, its format, and what it means
    "completeness_error": (
        "Completeness error",
        percent,
        "how much the sum of the map differs from the score's change against the baseline",
    ),
    "efficiency_error": (
        "Efficiency error",
        percent,
        "the shares add up to the score's change by construction, which does not show whether each one is exact",
    ),
    "fit_r2": (
        "Fit (R²)",
        "{:.2f}".format,
        "the share of the score's variation that the linear model behind the map explains, adjusted for the number of "
        "superpixels",
    ),
    "share_of_the_score": (
        "Share of the score",
        "{:.0%}".format,
        "how much of the score reached the pixels; biases and the rule itself absorbed the rest",
    ),
    "index_sum": (
        "Sum of the indices",
        "{:.2f}".format,
        "about 1 if cells act independently; the part above 1 comes from cells that act together",
    ),
    "score_deviation": (
        "Deviation of the score",
        "{:.2g}".format,
        "how much the score varies under the masks; if it hardly varies, the shares mean little",
    ),
    "chance_level": ("Chance level", "{:.2g}".format, "the map's value at a cell without influence"),
    "level_deviation": (
        "Deviation of the level",
        "{:.2g}".format,
        "how far chance moves the whole map up or down; the noise counts only what it does to the pattern",
    ),
    "points": ("Points", "{:g}".format, "the number of points on the path at which gradients were computed"),
    DRAWN: ("Drawn", "{:g}".format, "the number of samples, permutations or rows at which the noise was low enough"),
    "superpixels": ("Superpixels", "{:g}".format, "the number of regions, each with a single value"),
}
OF_THE_RUN = (DRAWN, "superpixels")  # these have one value, whatever the number of targets


def explained(name: str, values: Sequence[float | None]) -> str:
    """Return a line of Markdown: a figure's title, its value for each target, and its meaning if it is known."""
    title, shown = titled(name, values)
    line = f"**{literal(title)}** {shown}"
    return f"{line}: {FIGURES[name][2]}" if name in FIGURES else line


def titled(name: str, values: Sequence[float | None]) -> tuple[str, str]:
    """Return a figure's title and, as Markdown, its value for each target; one without an entry goes by its name."""
    title, form, _ = FIGURES.get(name, (name.replace("_", " ").capitalize(), "{:.3g}".format, ""))
    listed = values[:1] if name in OF_THE_RUN else values
    return title, ", ".join(in_words(form, value) for value in listed)


def in_words(form: Callable[[float], str], value: float | None) -> str:
    """Return a value as Markdown, or that it is not defined."""
    return "not defined" if value is None else literal(form(value))
