"""Propose what the columns of a table of predictions mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Self

import numpy as np

from xai_core.bias.columns import Roles
from xai_core.bias.proposal import Proposal, Rows
from xai_core.bias.repairs import Repairs
from xai_core.jobs.checks import field as value_of
from xai_core.jobs.checks import whole
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.services.parsing.question import FileQuestion, as_array, as_bytes, file_question
from xai_core.services.parsing.wire import of_shape, packed, packed_roles, taken, unpacked, unpacked_roles
from xai_core.untrusted.csv_text import LARGEST, MOST_COLUMNS, MOST_ROWS
from xai_core.untrusted.texts import LONGEST_TEXT

MOST_TEXTS, MOST_WIDTH, LARGEST_ANSWER = 200_000, 20, 64 << 20


@file_question("propose_columns")
class ProposeColumns(FileQuestion[Proposal]):
    """Propose how to read the bytes of a table of predictions; DataError if the file is not a table.

    labels, roles, repairs, guess: as for `xai_core.bias.proposing.propose`.
    """

    largest_answer = LARGEST_ANSWER

    data: bytes
    labels: tuple[str, ...] = ()
    roles: Roles = field(default_factory=dict)
    repairs: Repairs = field(default_factory=Repairs)
    guess: bool = True

    def to_frame(self) -> Frame:
        arrays = [*as_array(self.data[: LARGEST + 1]), *packed(self.labels), *packed_roles(self.roles)]
        return {"repairs": self.repairs.values(), "guess": self.guess}, arrays

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        labels, roles = tuple(unpacked(arrays[1:3])), unpacked_roles(arrays[3:])
        return cls(as_bytes(arrays), labels, roles, Repairs.from_json(header["repairs"]), header["guess"])

    def answer(self) -> Proposal:
        from xai_core.bias.proposing import propose  # imports pandas, which pictures do not need

        return propose(self.data, self.labels, self.roles, self.repairs, guess=self.guess)

    def answer_to_frame(self, answer: Proposal) -> Frame:
        texts = (answer.names, answer.reasons, (answer.fault, answer.which), answer.classes)
        rows = ([*answer.preview], [*answer.dropped])
        arrays = [array for part in texts for array in packed(_short(part))]
        arrays += [*packed_roles(answer.roles), *packed_roles(answer.spellings)]
        arrays += [array for part in rows for array in packed(cell for row in part for cell in row)]
        counts = {"unusable": answer.unusable, "pictures": answer.pictures}
        widths = {"preview": _width(answer.preview), "dropped": _width(answer.dropped)}
        return {**counts, **widths, "percent": answer.repairs.percent}, [*arrays, np.array([answer.accuracy])]

    def answer_from_frame(self, values: Any, arrays: Arrays) -> Proposal:
        parts = taken(arrays, [2] * 8 + [1])
        names, reasons, sentences, classes = (tuple(unpacked(part, MOST_TEXTS)) for part in parts[:4])
        widths = [whole(value_of(values, name), MOST_WIDTH, 0) for name in ("preview", "dropped")]
        accuracy = float(of_shape(parts[8][0], "f8", (1,))[0])
        if len(sentences) != 2 or not 0 < len(names) <= MOST_COLUMNS or accuracy < 0 or accuracy > 1:
            raise BadFrame("The parts of a proposal do not fit together.")
        return Proposal(
            names=names,
            roles={role: name for role, name in unpacked_roles(parts[4]).items() if name in names},
            repairs=_with_percent(self.repairs, value_of(values, "percent") is True),
            reasons=reasons,
            fault=sentences[0],
            unusable=whole(value_of(values, "unusable"), MOST_ROWS, 0),
            which=sentences[1],
            spellings=unpacked_roles(parts[5]),
            classes=classes,
            pictures=whole(value_of(values, "pictures"), MOST_ROWS, 0),
            accuracy=accuracy,
            preview=_rows(unpacked(parts[6], MOST_TEXTS), widths[0]),
            dropped=_rows(unpacked(parts[7], MOST_TEXTS), widths[1]),
        )


def _with_percent(repairs: Repairs, percent: bool) -> Repairs:
    return Repairs.from_json(repairs.values() | {"percent": percent})


def _short(texts: Sequence[str]) -> list[str]:
    return [text[:LONGEST_TEXT] for text in texts]


def _width(rows: Rows) -> int:
    return len(rows[0]) if rows else 0


def _rows(cells: list[str], width: int) -> Rows:
    if not width:
        return ()
    if len(cells) % width:
        raise BadFrame("The rows of a preview differ in length.")
    return tuple(tuple(cells[start : start + width]) for start in range(0, len(cells), width))
