"""What is explained about a segmentation: a class, and the region over which its score is averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st

from vitrine.ui import session
from vitrine.ui.components.boxes import Box, box_picture
from vitrine.ui.drawing.text import literal, percent
from vitrine.ui.segmentation.strip import segmentation_of
from vitrine.ui.settings import address
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.jobs.questions.predict import Predict
from xai_core.pictures.files import Picture
from xai_core.segmentation.drawing import tinted
from xai_core.segmentation.parts import Part, parts_of
from xai_core.segmentation.regions import Region
from xai_core.segmentation.segments import Segmentation
from xai_core.services.preparation import Prepared
from xai_core.types import Floats, Indices

Where = Literal["predicted", "connected", "box", "picture"]
WHERE: dict[Where, str] = {
    "predicted": "Where the class is predicted",
    "connected": "Connected regions of your choice",
    "box": "A box",
    "picture": "The whole picture",
}
MOST_PARTS = 20
WHOLE = (0, 100)


@dataclass(frozen=True)
class Targets:
    """By the picture's digest: the target class (1,), the region, and the probabilities (K,) of its mean score.

    absent: why a picture is left out, in sentences.
    """

    targets: dict[str, Indices]
    regions: dict[str, Region]
    probabilities: dict[str, Floats]
    absent: tuple[str, ...] = ()


def region_targets(prepared: Prepared, pictures: Sequence[Picture]) -> Targets:
    """Show the choice of class and region, and return what is explained in each picture."""
    found = {picture.digest: segmentation_of(prepared, picture) for picture in pictures}
    index, where = _class(prepared, found[pictures[0].digest]), _where()
    box = _box() if where == "box" else None
    regions: dict[str, Region] = {}
    absent: list[str] = []
    for picture in pictures:
        region = _region(prepared, picture, found[picture.digest], index, where, box)
        if region is None:
            absent.append(_why_absent(prepared, picture, index, where))
        else:
            regions[picture.digest] = region
    for sentence in absent:
        st.info(literal(sentence, 300), icon=":material/search_off:")
    targets = {digest: np.array([index], np.int64) for digest in regions}
    probabilities = {p.digest: _probabilities(prepared, p, regions[p.digest]) for p in pictures if p.digest in regions}
    return Targets(targets, regions, probabilities, tuple(absent))


def _class(prepared: Prepared, found: Segmentation) -> int:
    present = [segment.index for segment in found.segments]
    shares = {segment.index: segment.share for segment in found.segments}
    others = [index for index in range(len(prepared.labels)) if index not in shares]

    def shown(index: int) -> str:
        return f"{prepared.labels[index]} · {percent(shares[index]) if index in shares else 'not predicted'}"

    options, usual = [*present, *others], found.main(prepared.labels)
    return address.choice("Why are these pixels …", options, usual, key="class", shown=shown, always=True)


def _where() -> Where:
    return address.choice("Region", list(WHERE), "predicted", key="region", shown=WHERE.__getitem__)


def _box() -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom edge of a box, as shares of the picture as the model sees it."""
    kept: Any = {"persist_state": "session", "format": "%d%%"}
    left, right = st.slider("From left to right", *WHOLE, (25, 75), key="region.across", **kept)
    top, bottom = st.slider("From top to bottom", *WHOLE, (25, 75), key="region.down", **kept)
    return left / 100, top / 100, right / 100, bottom / 100


def _region(
    prepared: Prepared,
    picture: Picture,
    found: Segmentation,
    index: int,
    where: Where,
    box: tuple[float, float, float, float] | None,
) -> Region | None:
    """Return a region, or None if the picture has no such region."""
    height, width = found.classes.shape
    if box is not None:
        mask = np.zeros((height, width), np.bool_)
        left, top, right, bottom = (round(share * side) for share, side in zip(box, (width, height) * 2, strict=True))
        mask[top : max(bottom, top + 1), left : max(right, left + 1)] = True
        return Region(mask, f"the box {left}, {top}, {right}, {bottom} of {width} x {height} pixels")
    if where == "connected":
        return _connected(prepared, picture, found)
    mask = np.ones((height, width), np.bool_) if where == "picture" else found.region_of(index)
    words = "the whole picture" if where == "picture" else f"where {prepared.labels[index]} is predicted"
    return Region(mask, words) if mask.any() else None


def _connected(prepared: Prepared, picture: Picture, found: Segmentation) -> Region | None:
    """Show the connected regions to click; return those that are chosen as one region."""
    parts = parts_of(found)[:MOST_PARTS]
    key = f"parts.{prepared.source.digest[:12]}.{picture.digest[:12]}"
    session.put(key, [number for number in session.value_of(key, []) if number <= len(parts)])
    seen = session.workspace().seen_part(picture, prepared.preprocessing)
    photo = tinted(seen, found.classes, prepared.labels)
    box_picture(
        photo,
        [_as_box(prepared, part, number, photo.shape[1] / found.classes.shape[1]) for number, part in _numbered(parts)],
        session.value_of(key),
        key=f"picture.{key}",
        most=MOST_PARTS,
        when_chosen=lambda numbers: session.put(key, list(numbers)),
    )
    names = {
        number: f"{number} · {prepared.labels[part.index]} · {percent(part.share)}" for number, part in _numbered(parts)
    }
    chosen = st.multiselect(
        "Connected regions",
        list(names),
        format_func=names.__getitem__,
        key=key,
        persist_state="session",
        placeholder="click one, or choose here",
    )
    if not chosen:
        return None
    mask = np.any([parts[number - 1].mask for number in chosen], axis=0)
    return Region(mask, f"connected regions {', '.join(map(str, sorted(chosen)))}")


def _numbered(parts: Sequence[Part]) -> list[tuple[int, Part]]:
    return list(enumerate(parts, start=1))


def _as_box(prepared: Prepared, part: Part, number: int, scale: float) -> Box:
    left, top, right, bottom = (scale * side for side in part.corners)
    return Box(number, prepared.labels[part.index], part.index, percent(part.share), (left, top, right, bottom))


def _why_absent(prepared: Prepared, picture: Picture, index: int, where: Where) -> str:
    if where == "connected":
        return f"{picture.name}: click a region, or choose one from the list."
    return f"{picture.name}: no pixel is predicted as {prepared.labels[index]}. Choose another class or region."


def _probabilities(prepared: Prepared, picture: Picture, region: Region) -> Floats:
    """Return the probabilities (K,) of the mean score over a region; the model is asked once."""
    slot, way = session.slot(ClassifierSlot), prepared.preprocessing
    key = (prepared.source, way, picture.digest, region.digest)
    if key not in slot.scores:
        question = Predict(way, picture.placed(way)[None], "probability", region.mask)
        slot.scores[key] = session.ask(prepared.source, question).result()[0]
    return slot.scores[key]
