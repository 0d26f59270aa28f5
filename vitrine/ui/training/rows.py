"""The heatmap of predictions, and the predictions of the chosen picture, epoch by epoch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from vitrine.ui import session
from vitrine.ui.components.heatmap import heatmap, sheet_of
from vitrine.ui.drawing.text import literal
from vitrine.ui.picture_tray import explain_next
from vitrine.ui.slots.training import TrainingSlot
from vitrine.ui.training.table import SHARES
from vitrine.ui.training.view import View
from xai_core.training.figures import instance_table
from xai_core.training.history import NO_DATA, Confidences, History
from xai_core.wording import UNDEFINED
from xai_core.wording import number as in_decimals

THUMBNAIL = 160  # pixels
TALLEST, ROW = 260, 35  # pixels: the table of epochs, and one of its rows


def rows(view: View) -> None:
    """Show the heatmap, and the picture chosen in it below."""
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
        "Frequency: share of steps at which the prediction changed. Variability: share of classes that were predicted. "
        "Wrong: share of wrong epochs. Click a row to see its picture."
    )


def chosen_picture(view: View) -> None:
    """Show the chosen picture, or the only one that passes the filters."""
    slot = session.slot(TrainingSlot)
    number = slot.chosen
    if number is None and len(view.numbers) == 1:
        number = int(view.numbers[0])
    if number is None or number >= len(view.history):
        return
    st.subheader(literal(str(view.history.ids[number]), 80), anchor=False)
    thumbnail, measures, predictions = st.columns([3, 4, 5], gap="medium")
    with thumbnail:
        _thumbnail(view.history, number)
    with measures:
        _measures(view, number)
    with predictions:
        table = _stretches(view.history, number)
        height = min(TALLEST, ROW * (len(table) + 1) + 3)
        st.dataframe(table, hide_index=True, placeholder=UNDEFINED, height=height)


def _thumbnail(history: History, number: int) -> None:
    name = str(history.ids[number])
    if history.pictures is None:
        file = "" if history.images is None else str(history.images[number])
        named = f" The file is named {literal(file, 120)}." if file else ""
        st.caption(f"The history has no pictures. Pass them to the logger as pictures=….{named}")
        return
    pixels = history.pictures[number]
    st.image(np.ascontiguousarray(pixels), width=THUMBNAIL, alt=name)
    if st.button("Explain this picture", icon=":material/search:", key="training.explain"):
        fault = explain_next(pixels, f"{name}.png")
        if fault is None:
            st.switch_page("pages/explain.py")
        st.warning(literal(fault), icon=":material/warning:")


def _measures(view: View, number: int) -> None:
    row = instance_table(view.history, view.measures, np.array([number])).iloc[0]
    lines = [f"{name}: **{_in_words(row[name], name in SHARES)}**" for name in row.index[1:]]
    st.markdown("  \n".join(lines))


def _in_words(value: object, share: bool) -> str:
    if value is None or value is pd.NA or value != value:
        return UNDEFINED
    if isinstance(value, float):
        return in_decimals(value) if share else f"{value:g}"
    return literal(str(value), 60)


def _stretches(history: History, number: int) -> pd.DataFrame:
    """Return the runs of epochs with the same prediction."""
    predictions, truth = history.predictions[number], history.actual[number]
    starts = np.flatnonzero(np.diff(predictions, prepend=predictions[0] - 1)).tolist()
    spans = list(zip(starts, [*(start - 1 for start in starts[1:]), len(predictions) - 1], strict=True))
    classes = predictions[starts].tolist()
    table: dict[str, list[str | None]] = {
        "epochs": [_range(history.epochs[first], history.epochs[last]) for first, last in spans],
        "prediction": [None if label == NO_DATA else history.labels[label] for label in classes],
        "correct": [_verdict(label, int(truth)) for label in classes],
    }
    if history.confidence is not None:
        confidence = history.confidence[number]
        table["confidence"] = [_mean(confidence[first : last + 1]) for first, last in spans]
    return pd.DataFrame(table, dtype="object")


def _mean(values: Confidences) -> str | None:
    known = values[np.isfinite(values)]
    return in_decimals(float(known.mean())) if len(known) else None


def _verdict(predicted: int, truth: int) -> str | None:
    if NO_DATA in (predicted, truth):
        return None
    return "yes" if predicted == truth else "no"


def _range(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"
