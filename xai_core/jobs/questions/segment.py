"""Which class does a segmentation network give every pixel of a picture?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from xai_core.errors import ModelError
from xai_core.jobs.checks import finite_arrays
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.jobs.messages import preprocessing_from_json
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import Question, plain, question
from xai_core.preprocessing import Preprocessing
from xai_core.segmentation.segments import NO_CLASS, Segmentation
from xai_core.types import Card, Floats

SEGMENT_SECONDS = 60  # the first pass of a large network on a busy machine
NO_NUMBERS = "The model returned values that are not numbers. Check the preprocessing or try a different picture."


@question("segment")
class Segment(Question[Segmentation]):
    """Label the pixels of an image (H, W, 3), float32 in [0, 1] at the input's size."""

    preprocessing: Preprocessing
    image: Floats

    def to_frame(self) -> Frame:
        return {"preprocessing": self.preprocessing.to_json()}, [plain(self.image)]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(preprocessing_from_json(header["preprocessing"]), arrays[0])

    def answers(self, opened: Opened) -> Iterator[Segmentation]:
        with opened.heartbeat.beating(SEGMENT_SECONDS):
            raw = opened.segmenter.segment(self.preprocessing.normalise(self.image[None]))[0]
            if not np.isfinite(raw).all():
                raise ModelError(NO_NUMBERS)
            segmentation = Segmentation.of(raw, opened.card, self._size)
        yield segmentation

    def answer_to_frame(self, answer: Segmentation) -> Frame:
        return {}, [np.ascontiguousarray(answer.classes, np.int32), plain(answer.confidence)]

    def answer_from_frame(self, values: Any, arrays: Arrays, card: Card) -> Segmentation:
        classes, *confidence = arrays or [np.empty(0)]
        if classes.dtype != np.int32 or classes.shape != self._size:
            raise BadFrame("A segmentation has one class for each pixel.")
        if classes.min() < NO_CLASS or classes.max() >= card.classes:
            raise BadFrame("A pixel has a class that the model does not have.")
        (sure,) = finite_arrays(confidence, self._size)
        return Segmentation(classes, np.clip(sure, 0, 1))

    def largest_answer(self, card: Card) -> int:
        return 8 * self._size[0] * self._size[1]

    @property
    def _size(self) -> tuple[int, int]:
        return self.preprocessing.height, self.preprocessing.width
