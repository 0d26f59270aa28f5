"""Read loss, accuracy and other curves of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from xai_core.jobs.checks import field
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.services.parsing.question import FileQuestion, as_array, as_bytes, file_question
from xai_core.services.parsing.wire import notes, of_shape, packed, taken, unpacked
from xai_core.training.checking import LARGEST, MOST_CURVES

if TYPE_CHECKING:  # imports pandas, which pictures do not need
    from xai_core.training.curves import Curves


@file_question("read_curves")
class ReadCurves(FileQuestion["Curves"]):
    """Read the bytes of a CSV or an event file for the epochs of a history; DataError if no curve fits."""

    data: bytes
    epochs: tuple[str, ...]

    def to_frame(self) -> Frame:
        return {}, [*as_array(self.data[: LARGEST + 1]), *packed(self.epochs)]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(as_bytes(arrays), tuple(unpacked(arrays[1:])))

    def answer(self) -> Curves:
        from xai_core.training.curves import read_curves

        return read_curves(self.data, self.epochs)

    def answer_to_frame(self, answer: Curves) -> Frame:
        return {"notes": list(answer.notes)}, [np.array(list(answer.values.values())), *packed(answer.values)]

    def answer_from_frame(self, values: Any, arrays: Arrays) -> Curves:
        from xai_core.training.curves import Curves

        numbers, texts = taken(arrays, [1, 2])
        names = unpacked(texts, MOST_CURVES)
        if not names or len(set(names)) < len(names):
            raise BadFrame("Expected curves with a name each.")
        curves = of_shape(numbers[0], "f8", (len(names), len(self.epochs)))
        return Curves(dict(zip(names, curves, strict=True)), notes(field(values, "notes")))
