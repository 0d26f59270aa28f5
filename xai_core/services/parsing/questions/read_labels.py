"""Read class names."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Self

from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.labels import MAX_BYTES, MAX_LENGTH, read_detector_labels, read_labels
from xai_core.services.parsing.question import FileQuestion, as_array, as_bytes, file_question
from xai_core.services.parsing.wire import packed, taken, unpacked

LONGEST_ENDING = 10  # characters of a file's ending


@file_question("read_labels")
class ReadLabels(FileQuestion[tuple[str, ...]]):
    """Read the bytes of a txt, JSON or CSV file; DataError if it has no label for each class.

    classes, shown_name, both_sides: as for `xai_core.labels.read_labels`. background: whether a first label may be a
    detector's background, which is then left out.
    """

    largest_answer = 8 * MAX_BYTES

    data: bytes
    classes: int | None = None
    shown_name: str = ""
    background: bool = False
    both_sides: bool = False

    def to_frame(self) -> Frame:
        ending = PurePath(self.shown_name).suffix[:LONGEST_ENDING]
        flags = {"background": self.background, "both_sides": self.both_sides}
        return {"classes": self.classes, "ending": ending, **flags}, as_array(self.data[: MAX_BYTES + 1])

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        flags = header["background"], header["both_sides"]
        return cls(as_bytes(arrays), header["classes"], f"labels{header['ending']}", *flags)

    def answer(self) -> tuple[str, ...]:
        if self.background and self.classes is not None:
            return read_detector_labels(self.data, self.classes, self.shown_name)
        return read_labels(self.data, self.classes, self.shown_name, self.both_sides)

    def answer_to_frame(self, answer: tuple[str, ...]) -> Frame:
        return {}, packed(answer)

    def answer_from_frame(self, values: Any, arrays: Arrays) -> tuple[str, ...]:
        labels = tuple(unpacked(taken(arrays, [2])[0], self.classes or MAX_BYTES))
        if not labels or len(labels) != (self.classes or len(labels)):
            raise BadFrame("Expected a label for each class.")
        if not all(0 < len(label) <= MAX_LENGTH for label in labels):
            raise BadFrame("Expected labels within the limits.")
        return labels
