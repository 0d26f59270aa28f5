"""How far a map can be trusted: its figures, its warnings, and how to make it less noisy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from vitrine.ui import address, session
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.explain.runs import Run
from vitrine.ui.text import literal, percent
from vitrine.ui.trust.checks import Checked, checks, show_checks
from xai_core.families.noise import NOISE_WANTED, STOP_AT, STOP_FIELD, noise_shares, samples_for
from xai_core.params import Param
from xai_core.trust.honesty import Finding, warnings
from xai_core.types import Estimate, Floats

LONGEST_NAME = 60  # characters, so that advice is not cut off behind it
MORE = 4  # times as many, where too few were drawn to tell how many it takes
FIGURES = {  # by the name of the diagnostic: its title, how it is written, and what it means
    "completeness_error": (
        "Completeness error",
        percent,
        "how far the map's sum is from the score's difference to the baseline",
    ),
    "efficiency_error": (
        "Efficiency error",
        percent,
        "the shares add up to the score's difference by construction, which does not tell whether each one is exact",
    ),
    "fit_r2": (
        "Fit (R²)",
        "{:.2f}".format,
        "the share of the score's changes that the simple model behind the map follows, less what many superpixels "
        "reach by chance",
    ),
    "share_of_the_score": (
        "Share of the score",
        "{:.0%}".format,
        "how much of the score arrived at the pixels; the rest stayed with biases and what the rule absorbs",
    ),
    "index_sum": (
        "Sum of the indices",
        "{:.2f}".format,
        "about 1 where cells count each on its own; what is above 1 comes from cells that act together",
    ),
    "score_deviation": (
        "Deviation of the score",
        "{:.2g}".format,
        "how far the score moves under the masks; where that is next to nothing, its shares mean little",
    ),
    "chance_level": ("Chance level", "{:.2g}".format, "the map's value at a cell without any influence"),
    "level_deviation": (
        "Deviation of the level",
        "{:.2g}".format,
        "how far chance moves the whole map up or down; the noise counts only what it does to the pattern",
    ),
    "points": ("Points", "{:g}".format, "at so many points of the path gradients were taken"),
    "superpixels": ("Superpixels", "{:g}".format, "the picture was cut into so many, each with a single value"),
}
NO_FIGURE_AT_ALL = "This method has no measure of its own error; choose a second method and compare the two maps."
NO_FIGURE = "This method has no measure of its own error; the checks below show how steady its map is."


def honesty_panel(run: Run, estimate: Estimate, setting: ViewerState) -> None:
    """Show what speaks for and against the map of a finished run, and the checks that can be made of it."""
    said = run.slot.once(run.job, "warnings", lambda: warnings(_finding(run, estimate)))
    trust_panel(run, estimate, said, setting)


def trust_panel(run: Checked, estimate: Estimate, said: Sequence[str], setting: ViewerState) -> None:
    """Show what is said against the maps of a finished run, their figures, and the checks that can be made of them."""
    shares = run.slot.once(run.job, "noise", lambda: noise_shares(estimate))
    offered = checks(run, estimate, max((share for share in shares if share is not None), default=0.0))
    with unfolding_panel(run.place, said):
        _figures(estimate, shares, NO_FIGURE if offered else NO_FIGURE_AT_ALL)
        _less_noise(run, shares)
        _notes(estimate)
        show_checks(run, estimate, offered, setting)


@contextmanager
def unfolding_panel(place: str, said: Sequence[str]) -> Iterator[None]:
    """Show warnings in an expander that stays open for the next answer; Streamlit forgets one that was not shown."""
    key = f"honesty.{place}"
    session.put(key, place in session.workspace().unfolded)
    with st.expander(_title(said), key=key, on_change=_unfold, args=(key, place)):
        for sentence in said:
            st.warning(literal(sentence, 400), icon=":material/warning:")
        yield


def _unfold(key: str, place: str) -> None:
    unfolded = session.workspace().unfolded
    (unfolded.add if session.value_of(key) else unfolded.discard)(place)


def _title(said: Sequence[str]) -> str:
    counted = {0: "", 1: " · 1 warning"}.get(len(said), f" · {len(said)} warnings")
    return f"How far can this map be trusted?{counted}"


def _finding(run: Run, estimate: Estimate) -> Finding:
    height, width = run.picture.pixels.shape[:2]
    return Finding(
        method=run.method,
        card=run.prepared.card,
        estimate=estimate,
        image=_image(run),
        picture_size=(height, width),
        probabilities=run.probabilities,
        targets=run.targets,
        names=tuple(name[:LONGEST_NAME] for name in run.names),
    )


def _image(run: Run) -> Floats:
    return run.prepared.preprocessing.place(run.picture.pixels)


def _notes(estimate: Estimate) -> None:
    for note in estimate.notes:
        st.caption(literal(note, 400))


def _figures(estimate: Estimate, shares: Sequence[float | None], otherwise: str) -> None:
    lines = [_line(name, figures) for name, figures in estimate.diagnostics.items()]
    if estimate.standard_error is not None:
        figures = ", ".join(_in_words(percent, share) for share in shares)
        lines.append(f"**Noise** {figures}: the share of what the map shows that may be chance")
    st.markdown("  \n".join(lines) if lines else otherwise)


def _line(name: str, figures: Sequence[float | None]) -> str:
    """Return a diagnostic in words; one whose meaning is not listed is shown by its name."""
    title, form, meaning = FIGURES.get(name, (name.replace("_", " ").capitalize(), "{:.3g}".format, ""))
    shown = f"**{literal(title)}** {', '.join(_in_words(form, figure) for figure in figures)}"
    return f"{shown}: {meaning}" if meaning else shown


def _in_words(form: Callable[[float], str], figure: float | None) -> str:
    return "not defined" if figure is None else literal(form(figure))


def _less_noise(run: Checked, shares: Sequence[float | None]) -> None:
    """Offer as much of the method's effort as brings the noise of the worst map down, or the most there may be."""
    worst = max((share for share in shares if share is not None), default=0.0)
    effort = run.method.effort
    if effort is None or worst <= NOISE_WANTED:
        return
    now, most, unit = run.method.values()[effort.name], _most(effort), effort.label.lower()
    if now >= most:
        st.caption(f"These are the most {unit} that can be drawn.")
        return
    label, told, count = _offer(worst, now, most, unit)
    count = min(_on_the_grain(effort, count), most)
    key, shown = f"noise.{run.place}", f"{label} ({count} {unit})"
    if st.button(shown, key=key, help=f"{told} It goes on from here.", on_click=_raise, args=(run, effort, count)):
        st.rerun()


def _offer(worst: float, now: int, most: int, unit: str) -> tuple[str, str, int]:
    """Return what to offer for a noise share, why, and how many it takes."""
    wanted = samples_for(worst, now)
    if wanted is None:
        return f"Run with more {unit}", "Too few were drawn to tell how many it takes.", MORE * now
    if wanted > most:
        return f"Run with the most {unit}", f"Noise below {NOISE_WANTED:.0%} would take {wanted} {unit}.", most
    return (
        f"Run until the noise is below {NOISE_WANTED:.0%}",
        f"The noise's variance falls as 1 over the {unit}.",
        wanted,
    )


def _raise(run: Checked, effort: Param, count: int) -> None:
    address.ask(f"{run.method.id}.{effort.name}", effort.text(count))
    if run.method.values().get(STOP_FIELD, 0) > STOP_AT:
        address.ask(f"{run.method.id}.{STOP_FIELD}", f"{STOP_AT:g}")
    run.slot.asked_to_run = run.method.id


def _on_the_grain(param: Param, count: int) -> int:
    assert param.range is not None
    grain, low = int(param.range.step or 1), int(param.range.low)
    return low + math.ceil((count - low) / grain) * grain


def _most(param: Param) -> int:
    assert param.range is not None
    return int(param.range.upper(None))
