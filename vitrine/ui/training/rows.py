"""The heatmap of predictions, and the picture that was chosen in it: what was said of it, epoch by epoch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from vitrine.ui import session
from vitrine.ui.components.heatmap import heatmap, sheet_of
from vitrine.ui.picture_tray import explain_next
from vitrine.ui.slots.training import TrainingSlot
from vitrine.ui.text import literal
from vitrine.ui.training.table import SHARES
from vitrine.ui.training.view import View
from xai_core.bias.wording import number as in_decimals
from xai_core.training.figures import UNDEFINED, instance_table
from xai_core.training.history import NO_DATA, History

THUMBNAIL = 160  # pixels
TALLEST, ROW = 260, 35  # pixels of the table of epochs, and of its rows


def rows(view: View) -> None:
    """Show the heatmap; a picture that is chosen there is shown below."""
    slot = session.slot(TrainingSlot)
    history = view.history

    def chosen(number: int | None) -> None:
        slot.chosen = number

    pictures = history.pictures
    heatmap(
        history,
        view.numbers,
        view.measures,
        view.by_epoch,
        sprites=None if pictures is None else slot.once(("sprites",), lambda: sheet_of(pictures)),
        chosen=slot.chosen,
        key=f"training.heatmap.{slot.turn}",
        when_chosen=chosen,
    )
    st.caption(
        "Frequency: share of the steps at which the prediction changed. Variability: share of the classes that were "
        "predicted. Wrong: share of the epochs that were wrong. Click a row to see its picture."
    )


def chosen_picture(view: View) -> None:
    """Show the picture that was chosen, or the only one that the filters leave."""
    slot = session.slot(TrainingSlot)
    number = slot.chosen
    if number is None and len(view.numbers) == 1:
        number = int(view.numbers[0])
    if number is None or number >= len(view.history):
        return
    st.subheader(literal(str(view.history.ids[number]), 80), anchor=False)
    thumbnail, told, said = st.columns([3, 4, 5], gap="medium")
    with thumbnail:
        _thumbnail(view.history, number)
    with told:
        _figures(view, number)
    with said:
        found = _stretches(view.history, number)
        height = min(TALLEST, ROW * (len(found) + 1) + 3)
        st.dataframe(found, hide_index=True, placeholder=UNDEFINED, height=height)


def _thumbnail(history: History, number: int) -> None:
    name = str(history.ids[number])
    if history.pictures is None:
        named = "" if history.images is None else str(history.images[number])
        of_it = f" Its file is called {literal(named, 120)}." if named else ""
        st.caption(f"The history holds no pictures; give them to the logger as pictures=…{of_it}")
        return
    pixels = history.pictures[number]
    st.image(np.ascontiguousarray(pixels), width=THUMBNAIL, alt=name)
    if st.button("Explain this picture", icon=":material/search:", key="training.explain"):
        fault = explain_next(pixels, f"{name}.png")
        if fault is None:
            st.switch_page("pages/explain.py")
        st.warning(literal(fault), icon=":material/warning:")


def _figures(view: View, number: int) -> None:
    row = instance_table(view.history, view.measures, np.array([number])).iloc[0]
    words = [f"{name}: **{_in_words(row[name], name in SHARES)}**" for name in row.index[1:]]
    st.markdown("  \n".join(words))


def _in_words(value: object, share: bool) -> str:
    if value is None or value is pd.NA or value != value:
        return UNDEFINED
    if isinstance(value, float):
        return in_decimals(value) if share else f"{value:g}"
    return literal(str(value), 60)


def _stretches(history: History, number: int) -> pd.DataFrame:
    """Return the runs of epochs with the same prediction."""
    said, truth = history.predictions[number], history.actual[number]
    starts = np.flatnonzero(np.diff(said, prepend=said[0] - 1))
    ends = [*(starts[1:] - 1), len(said) - 1]
    names = [None if said[start] == NO_DATA else history.labels[said[start]] for start in starts]
    right = [_verdict(said[start], truth) for start in starts]
    spans = [_range(history.epochs[start], history.epochs[end]) for start, end in zip(starts, ends, strict=True)]
    table = {"epochs": spans, "prediction": names, "right": right}
    if history.confidence is not None:
        sure = history.confidence[number]
        table["confidence"] = [_mean_share(sure[first : last + 1]) for first, last in zip(starts, ends, strict=True)]
    return pd.DataFrame(table, dtype="object")


def _mean_share(values: np.ndarray) -> str | None:
    known = values[np.isfinite(values)]
    return in_decimals(float(known.mean())) if len(known) else None


def _verdict(said: int, truth: int) -> str | None:
    if NO_DATA in (said, truth):
        return None
    return "yes" if said == truth else "no"


def _range(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
