"""The pictures of one cell of the confusion matrix, and sending them to the Explain page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from vitrine.ui import session
from vitrine.ui.bias.filters import KEPT, Part
from vitrine.ui.pages_of_pictures import page_of
from vitrine.ui.picture_tray import MOST_PICTURES, SEVERAL
from vitrine.ui.slots.bias import BiasSlot
from vitrine.ui.text import literal
from xai_core.bias.picture_set import PictureSet
from xai_core.bias.predictions import Predictions
from xai_core.bias.wording import UNDEFINED
from xai_core.bias.wording import number as in_decimals
from xai_core.errors import DataError, ImageError
from xai_core.pictures.files import Picture
from xai_core.preprocessing import Preprocessing
from xai_core.types import Indices

ACTUAL, PREDICTED = "bias.cell.actual", "bias.cell.predicted"
LISTED, A_ROW, ROWS = 500, 6, 2
EXPLAIN_PAGE = "pages/explain.py"


def pictures_of_cell(part: Part) -> None:
    """Show a choice of a true and a predicted class, and the pictures where both hold."""
    st.markdown("**Pictures of a cell**" + ("" if part.found.confidence is None else ", the surest first"))
    for column, label, key in zip(st.columns(2), ("True class", "Predicted class"), (ACTUAL, PREDICTED), strict=True):
        if session.value_of(key) not in part.found.labels:
            session.put(key, None)
        column.selectbox(label, part.found.labels, key=key, placeholder="any", persist_state=KEPT)
    actual, predicted = session.value_of(ACTUAL), session.value_of(PREDICTED)
    if actual is None and predicted is None:
        return
    numbers = _in_cell(part, actual, predicted)
    if not len(numbers):
        st.info("No picture lies in this cell.", icon=":material/image_not_supported:")
        return
    cell = (part.key, actual, predicted)
    if part.held.pictures is not None:
        _gallery(part, part.held.pictures, numbers, cell)
    _listed(part, numbers, cell)


def _in_cell(part: Part, actual: str | None, predicted: str | None) -> Indices:
    """Return the numbers of the pictures of a cell, those that the model is surest of first."""
    found, kept = part.found, np.ones(len(part.found), bool)
    for label, classes in ((actual, found.truth), (predicted, found.predicted)):
        if label is not None:
            kept &= classes == found.labels.index(label)
    numbers = np.flatnonzero(kept)
    if found.confidence is None:
        return numbers
    return numbers[np.argsort(-found.confidence[numbers], kind="stable")]


def _listed(part: Part, numbers: Indices, cell: object) -> None:
    found, shown = part.found, page_of(numbers, LISTED, "bias.cell.listed", cell)
    rows = pd.DataFrame(
        {
            "Picture": np.arange(len(shown)) + 1 if found.files is None else found.files[shown],
            "True class": [found.labels[one] for one in found.truth[shown]],
            "Predicted class": [found.labels[one] for one in found.predicted[shown]],
            **({} if found.confidence is None else {"Confidence": found.confidence[shown].astype(np.float64)}),
            **{name: values[shown] for name, values in found.attributes.items()},
        }
    )
    confidence = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        rows.replace("", None),
        hide_index=True,
        placeholder=UNDEFINED,
        column_config={"Confidence": confidence},
        key="bias.pictures",
        alt="The pictures of the cell",
    )
    st.caption(f"{len(numbers):,} pictures.")


def _gallery(part: Part, pictures: PictureSet, numbers: Indices, cell: object) -> None:
    """Show the pictures a page at a time, each with a way to the Explain page, and all of the page together."""
    places = _places(part, pictures)
    on_page = page_of(numbers, A_ROW * ROWS, "bias.cell.page", cell)
    names = [] if part.found.files is None else part.found.files[on_page].tolist()
    shown = [(int(number), places[name]) for number, name in zip(on_page, names, strict=True) if name in places]
    columns = [column for _ in range(0, len(shown), A_ROW) for column in st.columns(A_ROW)]
    for turn, (column, (number, place)) in enumerate(zip(columns, shown, strict=False), 1):
        with column:
            _one(part, pictures, number, place, turn)
    if st.button("Send these to Explain", key="bias.explain", icon=":material/search:"):
        _explain(part.found, pictures, shown)


def _one(part: Part, pictures: PictureSet, number: int, place: int, turn: int) -> None:
    found = part.found
    try:
        view = session.slot(BiasSlot).once((part.held.number, "view", place), lambda: _view(pictures.picture(place)))
    except (ImageError, DataError):
        st.caption("can not be opened")
        return
    sure = "" if found.confidence is None else f" {literal(in_decimals(float(found.confidence[number])))}"
    st.image(view, alt=pictures.files[place], width="stretch")
    st.caption(f"{turn} · {literal(found.labels[found.predicted[number]], 30)}{sure}")
    if st.button(f"Explain {turn}", key=f"bias.explain.{place}", width="stretch"):
        _explain(found, pictures, [(number, place)])


def _explain(found: Predictions, pictures: PictureSet, chosen: Sequence[tuple[int, int]]) -> None:
    """Put pictures beside those at hand, choose them alone, and go to where they are explained.

    chosen: the numbers of the pictures in what was found, and their places in the set. Their names tell the true class.
    """
    space = session.workspace()
    digests = []
    for number, place in chosen:
        try:
            picture = pictures.picture(place)
        except (ImageError, DataError):  # the picture, or its place in the archive
            continue
        space.pictures.pop(picture.digest, None)
        truth = found.labels[found.truth[number]]
        space.pictures[picture.digest] = replace(picture, name=f"{picture.name} (true class {truth})")
        digests.append(picture.digest)
    while len(space.pictures) > MOST_PICTURES:  # the oldest go
        space.pictures.pop(next(iter(space.pictures)))
    session.put(SEVERAL, digests)
    st.switch_page(EXPLAIN_PAGE)


def _places(part: Part, pictures: PictureSet) -> dict[str, int]:
    key = (part.held.number, "places")
    return session.slot(BiasSlot).once(key, lambda: {str(name): n for n, name in enumerate(pictures.files)})


def _view(picture: Picture) -> NDArray[np.uint8]:
    return Preprocessing(96, 96).view(picture.pixels, longest=192)
