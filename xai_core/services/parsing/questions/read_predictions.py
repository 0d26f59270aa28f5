"""Read a table of predictions."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Self

import numpy as np

from xai_core.bias.columns import Roles
from xai_core.bias.predictions import Predictions
from xai_core.bias.repairs import Repairs
from xai_core.jobs.checks import field as value_of
from xai_core.jobs.checks import whole
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.services.parsing.question import FileQuestion, as_array, as_bytes, file_question
from xai_core.services.parsing.wire import (
    coded,
    decoded,
    notes,
    numbered,
    of_shape,
    packed,
    packed_roles,
    taken,
    unpacked,
    unpacked_array,
    unpacked_roles,
)  # fmt: skip
from xai_core.types import Floats
from xai_core.untrusted.csv_text import LARGEST, MOST_COLUMNS, MOST_ROWS

MOST_CLASSES = 100_000


@file_question("read_predictions")
class ReadPredictions(FileQuestion[Predictions]):
    """Read the bytes of a file; DataError if it is not a table of predictions.

    labels, normalise, columns, repairs: as for `xai_core.bias.reading.read_predictions`.
    """

    data: bytes
    model: str
    labels: tuple[str, ...] | None = None
    normalise: bool = False
    columns: Roles = field(default_factory=dict)
    repairs: Repairs = field(default_factory=Repairs)

    def to_frame(self) -> Frame:
        return {"normalise": self.normalise, "repairs": self.repairs.values()}, [
            *as_array(self.data[: LARGEST + 1]),
            *packed(self.labels or ()),
            *packed_roles(self.columns),
        ]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        labels, columns = tuple(unpacked(arrays[1:3])) or None, unpacked_roles(arrays[3:])
        repairs = Repairs.from_json(header["repairs"])
        return cls(as_bytes(arrays), "", labels, header["normalise"], columns, repairs)

    def answer(self) -> Predictions:
        from xai_core.bias.reading import read_predictions  # imports pandas, which pictures do not need

        return read_predictions(
            self.data,
            self.model,
            labels=self.labels,
            normalise=self.normalise,
            columns=self.columns,
            repairs=self.repairs,
        )

    def answer_to_frame(self, answer: Predictions) -> Frame:
        names = (*answer.labels, *answer.heads, *answer.attributes)
        values, codes = coded(list(answer.attributes.values()), len(answer))
        arrays = [
            answer.truth.astype(np.int32),
            answer.predicted.astype(np.int32),
            *packed(names),
            *packed(values),
            codes,
        ]
        arrays += [] if answer.files is None else packed(answer.files.tolist())
        arrays += [] if answer.probabilities is None else [answer.probabilities]
        arrays += [np.stack(list(answer.heads.values()))] if answer.heads else []
        counts = {"labels": len(answer.labels), "heads": len(answer.heads), "attributes": len(answer.attributes)}
        known = {"files": answer.files is not None, "probabilities": answer.probabilities is not None}
        return {**counts, **known, "notes": list(answer.notes)}, arrays

    def answer_from_frame(self, values: Any, arrays: Arrays) -> Predictions:
        classes, heads = (
            whole(value_of(values, "labels"), MOST_CLASSES),
            whole(value_of(values, "heads"), MOST_COLUMNS, 0),
        )
        attributes = whole(value_of(values, "attributes"), MOST_COLUMNS, 0)
        files, probable = value_of(values, "files") is True, value_of(values, "probabilities") is True
        parts = taken(arrays, [1, 1, 2, 2, 1, 2 * files, int(probable), int(heads > 0)])
        names = unpacked(parts[2])
        count = len(parts[0][0]) if parts[0][0].ndim == 1 else 0
        if len(names) != classes + heads + attributes or not 0 < count <= MOST_ROWS:
            raise BadFrame("The parts of a table do not fit together.")
        texts = decoded(unpacked(parts[3]), of_shape(parts[4][0], "u1", (attributes, count)))
        logits = of_shape(parts[7][0], "f4", (heads, count, classes)) if heads else ()
        return Predictions(
            self.model,
            tuple(names[:classes]),
            numbered(of_shape(parts[0][0], "i4", (count,)), 0, classes),
            numbered(of_shape(parts[1][0], "i4", (count,)), 0, classes),
            _probabilities(of_shape(parts[6][0], "f4", (count, classes))) if probable else None,
            dict(zip(names[classes + heads :], texts, strict=True)),
            unpacked_array(parts[5], count) if files else None,
            {name: _finite(values) for name, values in zip(names[classes : classes + heads], logits, strict=True)},
            notes(value_of(values, "notes")),
        )


def _probabilities(values: Floats) -> Floats:
    if not ((values >= 0) & (values <= 1.001)).all():
        raise BadFrame("Expected probabilities.")
    return values


def _finite(values: Floats) -> Floats:
    if not np.isfinite(values).all():
        raise BadFrame("Expected finite logits.")
    return values
