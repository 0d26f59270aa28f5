"""Read the true class of every pixel of a picture."""

from __future__ import annotations

from typing import Any, Self

from xai_core.errors import DataError
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.pictures.label_maps import MAX_BYTES, MOST_PIXELS, LabelMap, read_label_map
from xai_core.services.parsing.question import FileQuestion, as_array, as_bytes, file_question
from xai_core.services.parsing.wire import of_type


@file_question("read_label_map")
class ReadLabelMap(FileQuestion[LabelMap]):
    """Read the bytes of a picture whose pixels are class numbers, as (h, w) uint8; DataError if they are not."""

    largest_answer = MOST_PIXELS

    data: bytes

    def to_frame(self) -> Frame:
        if len(self.data) > MAX_BYTES:
            raise DataError(f"The label map has more than {MAX_BYTES >> 20} MB. Save it as a PNG of 8 bits.")
        return {}, as_array(self.data)

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(as_bytes(arrays))

    def answer(self) -> LabelMap:
        return read_label_map(self.data)

    def answer_to_frame(self, answer: LabelMap) -> Frame:
        return {}, [answer]

    def answer_from_frame(self, values: Any, arrays: Arrays) -> LabelMap:
        pixels = of_type(arrays[0], "u1", 2) if len(arrays) == 1 else None
        if pixels is None or not pixels.size:
            raise BadFrame("Expected the pixels of a label map.")
        return pixels
