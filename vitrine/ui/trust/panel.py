"""How far to trust a map: its figures, its warnings, and how to make it less noisy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from vitrine.ui import session
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.drawing.text import literal, percent
from vitrine.ui.settings import address
from vitrine.ui.trust import figures
from vitrine.ui.trust.checks import checks, show_checks
from vitrine.ui.trust.inquiry import Run
from xai_core.families.noise import DRAWN, NOISE_WANTED, STOP_AT, STOP_FIELD, noise_shares, samples_for
from xai_core.params import Param
from xai_core.types import Estimate

MORE = 4  # times as many samples, if there are too few to estimate how many are needed
NO_FIGURE_AT_ALL = "This method does not measure its own error. Run a second method and compare the two maps."
NO_FIGURE = "This method does not measure its own error. The checks below show how stable its map is."


def trust_panel(run: Run[Any], estimate: Estimate, sentences: Sequence[str], setting: ViewerState) -> None:
    """Show the warnings about a finished run, its figures, and the available checks."""
    shares = run.once("noise", lambda: noise_shares(estimate))
    offered = checks(run, estimate, max((share for share in shares if share is not None), default=0.0))
    with unfolding_panel(run.inquiry.place, sentences):
        _figures(estimate, shares, NO_FIGURE if offered else NO_FIGURE_AT_ALL)
        _less_noise(run, estimate, shares)
        _notes(estimate)
        show_checks(run, estimate, offered, setting)


@contextmanager
def unfolding_panel(place: str, sentences: Sequence[str]) -> Iterator[None]:
    """Show warnings in an expander that stays open for the next answer; Streamlit forgets expanders it did not draw."""
    key = f"honesty.{place}"
    session.put(key, place in session.workspace().unfolded)
    with st.expander(_title(sentences), key=key, on_change=_unfold, args=(key, place)):
        for sentence in sentences:
            st.warning(literal(sentence, 400), icon=":material/warning:")
        yield


def _unfold(key: str, place: str) -> None:
    unfolded = session.workspace().unfolded
    (unfolded.add if session.value_of(key) else unfolded.discard)(place)


def _title(sentences: Sequence[str]) -> str:
    counted = {0: "", 1: " · 1 warning"}.get(len(sentences), f" · {len(sentences)} warnings")
    return f"How far can this map be trusted?{counted}"


def _notes(estimate: Estimate) -> None:
    for note in estimate.notes:
        st.caption(literal(note, 400))


def _figures(estimate: Estimate, shares: Sequence[float | None], otherwise: str) -> None:
    lines = [figures.explained(name, values) for name, values in estimate.diagnostics.items()]
    if estimate.standard_error is not None:
        noise = ", ".join(figures.in_words(percent, share) for share in shares)
        lines.append(f"**Noise** {noise}: the share of the map's variance that is sampling noise")
    st.markdown("  \n".join(lines) if lines else otherwise)


def _less_noise(run: Run[Any], estimate: Estimate, shares: Sequence[float | None]) -> None:
    """Offer enough samples, or as many as possible, to reduce the noise of the noisiest map."""
    worst = max((share for share in shares if share is not None), default=0.0)
    effort = run.inquiry.method.effort
    if effort is None or worst <= NOISE_WANTED:
        return
    drawn, most, unit = _drawn(run, estimate, effort), _most(effort), effort.label.lower()
    if drawn >= most:
        st.caption(f"This is the maximum number of {unit}.")
        return
    label, reason, count = _offer(worst, drawn, most, unit)
    count = min(_on_the_grain(effort, count), most)
    key, shown = f"noise.{run.inquiry.place}", f"{label} ({count} {unit})"
    if st.button(
        shown, key=key, help=f"{reason} The run continues from here.", on_click=_raise, args=(run, effort, count)
    ):
        st.rerun()


def _drawn(run: Run[Any], estimate: Estimate, effort: Param) -> int:
    """Return how much of its effort a run took: all that was allowed, unless it stopped early."""
    limit = run.inquiry.method.values()[effort.name]
    return int(estimate.diagnostics.get(DRAWN, (limit,))[0] or limit)


def _offer(worst: float, drawn: int, most: int, unit: str) -> tuple[str, str, int]:
    """Return the label of the offer, the reason, and the number of samples."""
    wanted = samples_for(worst, drawn)
    if wanted is None:
        return f"Run with more {unit}", "There are too few to estimate how many are needed.", MORE * drawn
    if wanted > most:
        return f"Run with the most {unit}", f"Noise below {NOISE_WANTED:.0%} would take {wanted} {unit}.", most
    return (
        f"Run until the noise is below {NOISE_WANTED:.0%}",
        f"The variance of the noise falls in proportion to 1 / {unit}.",
        wanted,
    )


def _raise(run: Run[Any], effort: Param, count: int) -> None:
    """Ask again with a limit of at least `count`, and no stop above the noise wanted."""
    values = run.inquiry.method.values()
    address.ask(f"{run.inquiry.method.id}.{effort.name}", effort.text(max(count, values[effort.name])))
    if values.get(STOP_FIELD, 0) > STOP_AT:
        address.ask(f"{run.inquiry.method.id}.{STOP_FIELD}", f"{STOP_AT:g}")
    run.inquiry.slot.asked_to_run = run.inquiry.method.id


def _on_the_grain(param: Param, count: int) -> int:
    assert param.range is not None
    grain, low = int(param.range.step or 1), int(param.range.low)
    return low + math.ceil((count - low) / grain) * grain


def _most(param: Param) -> int:
    assert param.range is not None
    return int(param.range.upper(None))
