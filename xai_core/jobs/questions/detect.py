"""Which boxes does a detector find in a picture?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from xai_core.detection.model import DetectionModel
from xai_core.detector import Detections
from xai_core.jobs.checks import finite_arrays
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import Question, plain, question
from xai_core.types import Card, Floats

MOST_BOXES = 1000
DETECT_SECONDS = 60  # the first pass of a large detector on a busy machine


@question("detect")
class Detect(Question[Detections]):
    """Find the boxes in an image (H, W, 3), float32 in [0, 1], whose score is at least `floor`; at most a thousand."""

    image: Floats
    floor: float

    def to_frame(self) -> Frame:
        return {"floor": self.floor}, [plain(self.image)]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(arrays[0], header["floor"])

    def answers(self, opened: Opened) -> Iterator[Detections]:
        with opened.heartbeat.beating(DETECT_SECONDS):
            model = DetectionModel(opened.detector, tick=opened.heartbeat.tick)
            (boxes,) = model.detect(self.image[None], self.floor)
        yield boxes.chosen(np.arange(min(len(boxes), MOST_BOXES)))

    def answer_to_frame(self, answer: Detections) -> Frame:
        return {}, [answer.corners, answer.labels, answer.scores, answer.class_scores, answer.objectness]

    def answer_from_frame(self, values: Any, arrays: Arrays, card: Card) -> Detections:
        return detections_from_arrays(arrays, card.classes)

    def largest_answer(self, card: Card) -> int:
        return MOST_BOXES * (4 * (6 + card.classes) + 8)


def detections_from_arrays(arrays: Arrays, classes: int) -> Detections:
    """Read detections as a worker sent them; BadFrame if they make no sense."""
    if len(arrays) != 5 or arrays[0].ndim != 2 or len(arrays[0]) > MOST_BOXES:
        raise BadFrame("Detections are five arrays of at most a thousand boxes.")
    corners, labels, *scores = arrays
    count = len(corners)
    corners, *scores = finite_arrays([corners, *scores], (count, 4), (count,), (count, classes), (count,))
    if labels.dtype != np.int64 or labels.shape != (count,) or ((labels < 0) | (labels >= classes)).any():
        raise BadFrame("A box has a class that the model does not have.")
    if any(((values < 0) | (values > 1)).any() for values in scores):
        raise BadFrame("A score lies outside 0 to 1.")
    return Detections(corners, labels, *scores)
