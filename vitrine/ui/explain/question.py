"""The question: the method with its parameters, and the classes to explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from vitrine.ui.explain.method_chooser import method_chooser
from vitrine.ui.explain.predictions import probabilities, top
from vitrine.ui.segmentation.target import region_targets
from vitrine.ui.settings import address
from vitrine.ui.settings.controls import parameter_form
from xai_core.method import Method
from xai_core.pictures.files import Picture
from xai_core.scores import explained
from xai_core.segmentation.regions import Region
from xai_core.services.preparation import Prepared
from xai_core.types import Floats, Indices

MOST_TARGETS = 5
COLOURS = ["Red alone", "Green alone", "Blue alone"]
TARGETS = {"predicted": "The predicted class", "top": "The most probable classes", "named": "A class by name"}


@dataclass(frozen=True)
class Question:
    """A method and, by the picture's digest, the target classes (T,) and the probabilities of all classes (K,).

    regions: of networks that label every pixel, what is explained of each picture; pictures without one are left out.
    channel: the only channel of the pictures that is explained, from 0; None for all.
    """

    method: Method
    targets: dict[str, Indices]
    probabilities: dict[str, Floats]
    regions: dict[str, Region] = field(default_factory=dict)
    channel: int | None = None


def question_form(prepared: Prepared, pictures: Sequence[Picture]) -> Question:
    """Show the controls and return the question; ParamError or MissingCapability if it cannot be answered."""
    try:
        return _question(prepared, pictures)
    finally:
        address.faults()


def _question(prepared: Prepared, pictures: Sequence[Picture]) -> Question:
    chosen = method_chooser(prepared.card)
    if prepared.card.task == "segment":
        about = region_targets(prepared, pictures)
        channel = _channel(prepared)
        return Question(_configured(chosen, prepared), about.targets, about.probabilities, about.regions, channel)
    rows = probabilities(prepared, pictures)
    targets = _targets(prepared, rows)
    channel = _channel(prepared)
    return Question(_configured(chosen, prepared), targets, rows, channel=channel)


def _configured(chosen: type[Method], prepared: Prepared) -> Method:
    chosen.check_model(prepared.card)
    with st.container(border=True):
        size = (prepared.preprocessing.height, prepared.preprocessing.width)
        return parameter_form(chosen, size, prepared.card)


def _targets(prepared: Prepared, rows: dict[str, Floats]) -> dict[str, Indices]:
    kind = address.choice("Explain", list(TARGETS), "predicted", key="target", shown=TARGETS.__getitem__)
    if kind == "named":
        index = address.choice(
            "Class",
            range(len(prepared.labels)),
            top(next(iter(rows.values())), 1)[0],
            key="class",
            shown=lambda index: f"{prepared.labels[index]} ({index})",
            always=True,
        )
        return {digest: np.array([index], np.int64) for digest in rows}
    if kind == "predicted":
        shown = {digest: explained(row, prepared.card, prepared.threshold) for digest, row in rows.items()}
        return {digest: np.array(classes, np.int64) for digest, classes in shown.items()}
    most = _how_many(min(MOST_TARGETS, len(prepared.labels)))
    return {digest: np.array(top(row, most), np.int64) for digest, row in rows.items()}


def _channel(prepared: Prepared) -> int | None:
    """Offer to explain one channel alone, if the model sees several."""
    way = prepared.preprocessing
    if way.channels == "gray":
        return None
    names = [f"Band {n}" for n in range(1, way.depth + 1)] if way.channels == "bands" else COLOURS
    chosen = address.choice(
        "Channels",
        range(len(names) + 1),
        0,
        key="channel",
        shown=lambda number: names[number - 1] if number else "All, together",
    )
    return chosen - 1 if chosen else None


def _how_many(most: int) -> int:
    return address.choice("How many", range(1, most + 1), min(2, most), key="top", shown=str)
