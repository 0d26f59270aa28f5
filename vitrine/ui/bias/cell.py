"""The pictures in one cell of the confusion matrix, and sending them to the Explain page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from vitrine.ui import session
from vitrine.ui.bias.forms import KEPT
from vitrine.ui.bias.selection import Selection
from vitrine.ui.drawing.pages_of_pictures import page_of
from vitrine.ui.drawing.text import literal
from vitrine.ui.picture_tray import MOST_PICTURES, SEVERAL
from vitrine.ui.slots.bias import BiasSlot
from xai_core.bias.picture_set import PictureSet
from xai_core.bias.predictions import Predictions
from xai_core.errors import DataError, ImageError
from xai_core.pictures.files import Picture
from xai_core.preprocessing import Preprocessing
from xai_core.types import Indices
from xai_core.wording import UNDEFINED
from xai_core.wording import number as in_decimals

ACTUAL, PREDICTED = "bias.cell.actual", "bias.cell.predicted"
LISTED, A_ROW, ROWS = 500, 6, 2
EXPLAIN_PAGE = "pages/explain.py"


def pictures_of_cell(selection: Selection) -> None:
    """Show a choice of a true and a predicted class, and the pictures in that cell."""
    predictions = selection.predictions
    order = "" if predictions.confidence is None else ", most confident first"
    st.markdown(f"**Pictures of a cell**{order}")
    for column, label, key in zip(st.columns(2), ("True class", "Predicted class"), (ACTUAL, PREDICTED), strict=True):
        if session.value_of(key) not in predictions.labels:
            session.put(key, None)
        column.selectbox(label, predictions.labels, key=key, placeholder="any", persist_state=KEPT)
    actual, predicted = session.value_of(ACTUAL), session.value_of(PREDICTED)
    if actual is None and predicted is None:
        return
    numbers = _in_cell(predictions, actual, predicted)
    if not len(numbers):
        st.info("There are no pictures in this cell.", icon=":material/image_not_supported:")
        return
    cell = (selection.key, actual, predicted)
    if selection.held.pictures is not None:
        _gallery(selection, selection.held.pictures, numbers, cell)
    _listed(predictions, numbers, cell)


def _in_cell(predictions: Predictions, actual: str | None, predicted: str | None) -> Indices:
    """Return the numbers of the pictures in a cell, the most confident predictions first."""
    kept = np.ones(len(predictions), bool)
    for label, classes in ((actual, predictions.truth), (predicted, predictions.predicted)):
        if label is not None:
            kept &= classes == predictions.labels.index(label)
    numbers = np.flatnonzero(kept)
    if predictions.confidence is None:
        return numbers
    return numbers[np.argsort(-predictions.confidence[numbers], kind="stable")]


def _listed(predictions: Predictions, numbers: Indices, cell: object) -> None:
    shown = page_of(numbers, LISTED, "bias.cell.listed", cell)
    st.dataframe(
        _table(predictions, shown).replace("", None),
        hide_index=True,
        placeholder=UNDEFINED,
        column_config={"Confidence": st.column_config.NumberColumn(format="%.3f")},
        key="bias.pictures",
        alt="The pictures of the cell",
    )
    st.caption(f"{len(numbers):,} pictures.")


def _table(predictions: Predictions, numbers: Indices) -> pd.DataFrame:
    files, confidence, labels = predictions.files, predictions.confidence, np.array(predictions.labels)
    columns = {
        "Picture": np.arange(len(numbers)) + 1 if files is None else files[numbers],
        "True class": labels[predictions.truth[numbers]],
        "Predicted class": labels[predictions.predicted[numbers]],
    }
    if confidence is not None:
        columns["Confidence"] = confidence[numbers].astype(np.float64)
    return pd.DataFrame(columns | {name: values[numbers] for name, values in predictions.attributes.items()})


def _gallery(selection: Selection, pictures: PictureSet, numbers: Indices, cell: object) -> None:
    """Show the pictures a page at a time, with buttons that send one or all of them to the Explain page."""
    places, files = _places(selection, pictures), selection.predictions.files
    on_page = page_of(numbers, A_ROW * ROWS, "bias.cell.page", cell)
    names = [] if files is None else files[on_page].tolist()
    shown = [(int(number), places[name]) for number, name in zip(on_page, names, strict=True) if name in places]
    columns = [column for _ in range(0, len(shown), A_ROW) for column in st.columns(A_ROW)]
    for turn, (column, (number, place)) in enumerate(zip(columns, shown, strict=False), 1):
        with column:
            _thumbnail(selection, pictures, number, place, turn)
    if st.button("Send these to Explain", key="bias.explain", icon=":material/search:"):
        _explain(selection.predictions, pictures, shown)


def _thumbnail(selection: Selection, pictures: PictureSet, number: int, place: int, turn: int) -> None:
    predictions, key = selection.predictions, (selection.held.number, "view", place)
    try:
        view = session.slot(BiasSlot).once(key, lambda: _view(pictures.picture(place)))
    except (ImageError, DataError):
        st.caption("cannot be opened")
        return
    confidence = predictions.confidence
    sure = "" if confidence is None else f" {literal(in_decimals(float(confidence[number])))}"
    st.image(view, alt=pictures.files[place], width="stretch")
    st.caption(f"{turn} · {literal(predictions.labels[predictions.predicted[number]], 30)}{sure}")
    if st.button(f"Explain {turn}", key=f"bias.explain.{place}", width="stretch"):
        _explain(predictions, pictures, [(number, place)])


def _explain(predictions: Predictions, pictures: PictureSet, chosen: Sequence[tuple[int, int]]) -> None:
    """Add pictures to the Explain page, select only them, and go there.

    chosen: each picture's number in the predictions, and its place in the set. Its new name ends in its true class.
    """
    space, digests = session.workspace(), []
    for number, place in chosen:
        try:
            picture = pictures.picture(place)
        except (ImageError, DataError):  # the picture, or its place in the archive
            continue
        space.pictures.pop(picture.digest, None)
        truth = predictions.labels[predictions.truth[number]]
        space.pictures[picture.digest] = replace(picture, name=f"{picture.name} (true class {truth})")
        digests.append(picture.digest)
    while len(space.pictures) > MOST_PICTURES:  # the oldest are dropped
        space.pictures.pop(next(iter(space.pictures)))
    session.put(SEVERAL, digests)
    st.switch_page(EXPLAIN_PAGE)


def _places(selection: Selection, pictures: PictureSet) -> dict[str, int]:
    key = (selection.held.number, "places")
    return session.slot(BiasSlot).once(key, lambda: {str(name): n for n, name in enumerate(pictures.files)})


def _view(picture: Picture) -> NDArray[np.uint8]:
    return Preprocessing(96, 96).view(picture.pixels, longest=192)
