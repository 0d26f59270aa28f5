"""The boxes that a detector finds in a picture, and ways to choose some: in the picture, in a list, by class."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitrine.ui import session
from vitrine.ui.components.boxes import Box, box_picture
from vitrine.ui.drawing.text import literal, percent
from vitrine.ui.slots.detector import DetectorSlot
from xai_core.detection.cost import Cost
from xai_core.detection.method import DetectionMethod
from xai_core.detection.pictures import image_of, shrunk
from xai_core.detection.shown import CANDIDATES, LEAST_SCORE, Shown
from xai_core.detection.targets import same_class
from xai_core.detector import BoxTarget, Detections
from xai_core.jobs.base import Job
from xai_core.jobs.questions.detect import Detect
from xai_core.pictures.files import Picture
from xai_core.services.detector_preparation import PreparedDetector
from xai_core.types import Floats

MOST_CHOSEN = 8
MOST_DRAWN = 100
THRESHOLD = "detection.threshold"
ALL_OF_IT = "Explain all boxes of this class"


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with the boxes that a detector found in it.

    photo: (H, W, 3) uint8, the picture as the detector gets it; boxes are in its pixels. seconds: how long the
    detection took.
    """

    prepared: PreparedDetector
    picture: Picture
    photo: NDArray[np.uint8]
    detections: Detections
    seconds: float

    @property
    def place(self) -> str:
        """A unique name for this picture with this detector."""
        return f"{self.prepared.source.digest[:12]}.{self.picture.digest[:12]}"

    @property
    def image(self) -> Floats:
        """The picture (H, W, 3) in [0, 1] as the detector gets it."""
        return image_of(self.photo)

    def cost_of(self, method: DetectionMethod) -> Cost:
        """Return the cost of an explanation by a method."""
        return Cost.of(method, (self.photo.shape[0], self.photo.shape[1]), self.seconds)

    def targets(self, numbers: Sequence[int]) -> tuple[BoxTarget, ...]:
        """Return the boxes with these numbers, counted from 1."""
        return tuple(BoxTarget.of(self.detections, number - 1) for number in numbers)

    def name_of(self, number: int) -> str:
        """Return a box's name for lists: "2: dog, 89.3%"."""
        box = self.box(number)
        return f"{box.number}: {box.name}, {box.score}"

    def box(self, number: int, faint: bool = False) -> Box:
        """Return a box to draw."""
        (target,) = self.targets([number])
        name = self.prepared.labels[target.label]
        name = f"class {name}" if name.isdecimal() else name  # a bare number looks like the box's own
        return Box(number, name, target.label, percent(target.score), target.corners, faint)


def scene_of(prepared: PreparedDetector, picture: Picture) -> Scene:
    """Return a picture with the boxes in it, detected once; shows a message while waiting."""
    slot, key = session.slot(DetectorSlot), (prepared.source, picture.digest)
    photo = _as_detected(picture)
    if key not in slot.detections or slot.detections[key].state.error is not None:
        slot.detections[key] = session.ask(prepared.source, Detect(image_of(photo), LEAST_SCORE))
    detections = _waited_for(slot.detections[key])
    return Scene(prepared, picture, photo, detections, slot.detections[key].state.seconds)


def choose_boxes(scene: Scene) -> tuple[int, ...]:
    """Show the boxes and the ways to choose some; return the numbers of the chosen ones, from 1, in order."""
    drawn, controls = st.columns([5, 3], gap="medium")
    with controls:
        threshold = _threshold()
        shown, faint = _shown(scene, threshold)
        chosen = _chosen_by_list(scene, (*shown, *faint))
    with drawn:
        boxes = [*(scene.box(number) for number in shown), *(scene.box(number, True) for number in faint)]
        box_picture(
            scene.photo,
            boxes,
            chosen,
            key=f"picture.{scene.place}",
            most=MOST_CHOSEN,
            when_chosen=lambda numbers: session.put(_list_key(scene), list(numbers)),
        )
        _size_caption(scene, threshold)
    return tuple(sorted(chosen))


def _threshold() -> float:
    (param,) = Shown.params
    if not session.has(THRESHOLD):
        session.put(THRESHOLD, param.default)
    assert param.range is not None
    low, high, step = param.range.low, param.range.upper(None), param.range.step
    kept: Any = {"key": THRESHOLD, "persist_state": "session"}
    return float(st.slider("Score threshold", low, high, step=step, format="percent", help=param.help, **kept))


def _shown(scene: Scene, threshold: float) -> tuple[list[int], list[int]]:
    """Return the numbers of the boxes to draw and, if there are none, those of candidates below the threshold."""
    labels = _label_filter(scene)
    numbers = [n + 1 for n, label in enumerate(scene.detections.labels) if not labels or int(label) in labels]
    above = [number for number in numbers if scene.detections.scores[number - 1] >= threshold]
    below = [] if above else numbers[:CANDIDATES]
    if not above:
        st.info(_nothing_found(scene, threshold, bool(labels), bool(below)), icon=":material/search_off:")
    if len(above) > MOST_DRAWN:
        st.caption(f"{len(above)} boxes reach the threshold; the best {MOST_DRAWN} are drawn. Raise it to see fewer.")
    return above[:MOST_DRAWN], below


def _label_filter(scene: Scene) -> set[int]:
    """Return the classes that the user wants to see; an empty set means all."""
    names = scene.prepared.labels
    labels = sorted({int(label) for label in scene.detections.labels}, key=lambda label: names[label])
    if len(labels) < 2:
        return set()
    return set(
        st.multiselect(
            "Labels",
            labels,
            format_func=lambda label: names[label],
            key=f"labels.{scene.place}",
            persist_state="session",
            placeholder="all",
        )
    )


def _nothing_found(scene: Scene, threshold: float, filtered: bool, candidates: bool) -> str:
    if len(scene.detections) == 0:
        return (
            f"The detector finds nothing in this picture, even at a score of {LEAST_SCORE:.0%}. Try a different "
            "picture, or check the detector's settings."
        )
    with_labels = " with these labels" if filtered else ""
    nothing = f"No box{with_labels} reaches a score of {threshold:.0%}."
    return f"{nothing} The best ones below it are dashed; you can choose them too." if candidates else nothing


def _chosen_by_list(scene: Scene, offered: Sequence[int]) -> tuple[int, ...]:
    key = _list_key(scene)
    session.put(key, [number for number in session.value_of(key, []) if number in offered])
    if not offered:
        return ()
    chosen: list[int] = st.multiselect(
        "Boxes to explain",
        offered,
        format_func=scene.name_of,
        key=key,
        max_selections=MOST_CHOSEN,
        persist_state="session",
        placeholder="click one, or choose here",
        help=f"The best box has number 1. At most {MOST_CHOSEN} are explained at a time.",
    )
    alike = _of_the_same_class(scene, chosen, offered)
    st.button(
        ALL_OF_IT,
        key="same-class",
        disabled=set(alike) <= set(chosen),
        width="stretch",
        help=f"The best {MOST_CHOSEN} boxes of the class that you chose last.",
        on_click=session.put,
        args=(key, alike),
    )
    return tuple(chosen)


def _of_the_same_class(scene: Scene, chosen: Sequence[int], offered: Sequence[int]) -> list[int]:
    if not chosen:
        return []
    alike = [int(n) + 1 for n in same_class(scene.detections, chosen[-1] - 1)]
    return [number for number in alike if number in offered][:MOST_CHOSEN]


def _list_key(scene: Scene) -> str:
    return f"boxes.{scene.place}"


def _size_caption(scene: Scene, threshold: float) -> None:
    height, width = scene.picture.pixels.shape[:2]
    seen_height, seen_width = scene.photo.shape[:2]
    name = literal(scene.picture.name, 60)
    if (height, width) == (seen_height, seen_width):
        above = int((scene.detections.scores >= threshold).sum())
        boxes = "1 box" if above == 1 else f"{above} boxes"
        below = len(scene.detections) - above
        st.caption(f"{name} · {width} × {height} px · {boxes}{f', {below} more below the threshold' if below else ''}")
    else:
        st.caption(f"{name} has {width} × {height} px; the detector gets it at {seen_width} × {seen_height} px.")
    notes = scene.prepared.card.notes
    for note in notes:
        st.caption(literal(note, 400))
    if notes:
        st.caption("You can change this under Settings and Labels of the detector, at the top of this page.")


def _as_detected(picture: Picture) -> NDArray[np.uint8]:
    return session.workspace().views.once(("detection", picture.digest), lambda: shrunk(picture.pixels))


def _waited_for(job: Job[Detections]) -> Detections:
    place = st.empty()
    while not job.wait(0.1).ended:  # if the page reruns, the next run waits for the same job
        if time.monotonic() - job.submitted > 0.5:
            place.info(f"{(job.state.doing or 'looking for objects').capitalize()} …", icon=":material/hourglass_top:")
    place.empty()
    return job.result()
