"""Read the history of a training."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from xai_core.jobs.checks import field, whole
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.services.parsing.question import FileQuestion, as_array, as_bytes, file_question
from xai_core.services.parsing.wire import notes, numbered, of_shape, of_type, packed, taken, unpacked, unpacked_array
from xai_core.training.checking import LARGEST, LONGEST_SIDE, MOST_CELLS, MOST_CLASSES, MOST_CURVES, MOST_EPOCHS
from xai_core.training.history import NO_DATA, Confidences, History


@file_question("read_history")
class ReadHistory(FileQuestion[History]):
    """Read the bytes of a CSV, npz or JSON; DataError if it is not a history."""

    data: bytes
    run: str

    def to_frame(self) -> Frame:
        return {}, as_array(self.data[: LARGEST + 1])

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(as_bytes(arrays), "")

    def answer(self) -> History:
        from xai_core.training.reading import read_history  # imports pandas, which pictures do not need

        return read_history(self.data, self.run)

    def answer_to_frame(self, answer: History) -> Frame:
        names = (answer.name, *answer.labels, *answer.epochs, *answer.curves)
        curves = np.array(list(answer.curves.values()), np.float64).reshape(len(answer.curves), len(answer.epochs))
        arrays: Arrays = [answer.predictions.astype(np.int32), answer.actual.astype(np.int32), curves, *packed(names)]
        arrays += packed(answer.ids.tolist())
        arrays += [] if answer.images is None else packed(answer.images.tolist())
        arrays += [] if answer.pictures is None else [answer.pictures]
        arrays += [] if answer.confidence is None else [answer.confidence]
        optional = {part: getattr(answer, part) is not None for part in ("images", "pictures", "confidence")}
        counts = {"labels": len(answer.labels), "epochs": len(answer.epochs), "curves": len(answer.curves)}
        return {**counts, **optional, "notes": list(answer.notes)}, arrays

    def answer_from_frame(self, values: Any, arrays: Arrays) -> History:
        classes, epochs = whole(field(values, "labels"), MOST_CLASSES), whole(field(values, "epochs"), MOST_EPOCHS)
        curves = whole(field(values, "curves"), MOST_CURVES, 0)
        has = {part: field(values, part) is True for part in ("images", "pictures", "confidence")}
        parts = taken(arrays, [1, 1, 1, 2, 2, 2 * has["images"], int(has["pictures"]), int(has["confidence"])])
        predictions = of_type(parts[0][0], "i4", 2)
        count, names = len(predictions), unpacked(parts[3])
        if not 0 < count * epochs <= MOST_CELLS or len(names) != 1 + classes + epochs + curves:
            raise BadFrame("The parts of a history do not fit together.")
        of_shape(predictions, "i4", (count, epochs))
        numbers = of_shape(parts[2][0], "f8", (curves, epochs))
        return History(
            self.run if not names[0] else names[0],
            tuple(names[1 : 1 + classes]),
            numbered(predictions, NO_DATA, classes),
            numbered(of_shape(parts[1][0], "i4", (count,)), NO_DATA, classes),
            unpacked_array(parts[4], count),
            tuple(names[1 + classes : 1 + classes + epochs]),
            unpacked_array(parts[5], count) if has["images"] else None,
            dict(zip(names[1 + classes + epochs :], numbers, strict=True)),
            notes(field(values, "notes")),
            _thumbnails(parts[6][0], count) if has["pictures"] else None,
            _confidence(of_shape(parts[7][0], "f4", (count, epochs))) if has["confidence"] else None,
        )


def _thumbnails(pictures: Any, count: int) -> Any:
    shape = pictures.shape
    if pictures.dtype != np.uint8 or len(shape) != 4 or shape[0] != count or shape[3] != 3:
        raise BadFrame("Expected a thumbnail of each picture.")
    if not 1 <= min(shape[1:3]) <= max(shape[1:3]) <= LONGEST_SIDE:
        raise BadFrame("Expected thumbnails within the limits.")
    return pictures


def _confidence(values: Confidences) -> Confidences:
    if ((values < 0) | (values > 1)).any() or np.isinf(values).any():
        raise BadFrame("Expected probabilities, or NaN.")
    return values
