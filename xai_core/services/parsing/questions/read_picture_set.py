"""Read labelled pictures from an archive: a list of all, and each by its number."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np

from xai_core.bias.archives import MOST_PICTURES
from xai_core.bias.picture_set import PictureSet
from xai_core.errors import DataError, ImageError
from xai_core.jobs.checks import field, whole
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.pictures.files import MAX_PIXELS, Picture
from xai_core.services.parsing.question import FileQuestion, file_question
from xai_core.services.parsing.questions.open_picture import picture_from_frame
from xai_core.services.parsing.wire import coded, decoded, notes, of_shape, packed, taken, unpacked, unpacked_array
from xai_core.untrusted.csv_text import MOST_COLUMNS

DIGEST_BYTES = 32


@file_question("list_pictures")
class ListPictures(FileQuestion[PictureSet]):
    """List the pictures of an archive; DataError if it is not a set of labelled pictures.

    The pictures of the answer cannot be opened; `OpenListed` does that. path: of a file that the process may read.
    set_name, label_column: as for `xai_core.bias.pictures_in.read_picture_set`.
    """

    path: str
    set_name: str
    label_column: str | None = None

    def to_frame(self) -> Frame:
        return {"path": self.path, "column": self.label_column}, []

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(header["path"], "the file", header["column"])

    def answer(self) -> PictureSet:
        return _pictures(self.path, self.label_column)

    def answer_to_frame(self, answer: PictureSet) -> Frame:
        values, codes = coded(list(answer.attributes.values()), len(answer))
        texts = ((*answer.labels, *answer.attributes), answer.files.tolist(), answer.actual.tolist(), values)
        arrays = [array for part in texts for array in packed(part)]
        counts = {"pictures": len(answer), "labels": len(answer.labels), "attributes": len(answer.attributes)}
        return {**counts, "notes": list(answer.notes)}, [*arrays, codes]

    def answer_from_frame(self, values: Any, arrays: Arrays) -> PictureSet:
        count, classes = whole(field(values, "pictures"), MOST_PICTURES), whole(field(values, "labels"), MOST_PICTURES)
        attributes = whole(field(values, "attributes"), MOST_COLUMNS, 0)
        parts = taken(arrays, [2, 2, 2, 2, 1])
        names = unpacked(parts[0])
        if len(names) != classes + attributes:
            raise BadFrame("The parts of a set of pictures do not fit together.")
        columns = decoded(unpacked(parts[3]), of_shape(parts[4][0], "u1", (attributes, count)))
        return PictureSet(
            name=self.set_name,
            files=unpacked_array(parts[1], count),
            actual=unpacked_array(parts[2], count),
            labels=tuple(names[:classes]),
            attributes=dict(zip(names[classes:], columns, strict=True)),
            notes=notes(field(values, "notes")),
            opened=_unopened,
            digests=_unopened,
        )


@file_question("open_listed")
class OpenListed(FileQuestion[Picture]):
    """Open one of the pictures of an archive by its number; ImageError if it cannot be used."""

    error = ImageError
    largest_answer = 3 * MAX_PIXELS

    path: str
    label_column: str | None
    number: int
    shown_name: str = ""

    def to_frame(self) -> Frame:
        return {"path": self.path, "column": self.label_column, "number": self.number}, []

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(header["path"], header["column"], header["number"])

    def answer(self) -> Picture:
        return _pictures(self.path, self.label_column).picture(self.number)

    def answer_to_frame(self, answer: Picture) -> Frame:
        return {"notes": list(answer.notes), "digest": answer.digest}, [answer.pixels]

    def answer_from_frame(self, values: Any, arrays: Arrays) -> Picture:
        digest = field(values, "digest")
        if not isinstance(digest, str) or len(digest) != 2 * DIGEST_BYTES or not digest.isalnum():
            raise BadFrame("Expected a digest.")
        return picture_from_frame(values, arrays, self.shown_name, digest)


@file_question("digest_listed")
class DigestListed(FileQuestion[str]):
    """Return the SHA-256 of one of the pictures of an archive; DataError if it cannot be read."""

    largest_answer = DIGEST_BYTES

    path: str
    label_column: str | None
    number: int

    def to_frame(self) -> Frame:
        return {"path": self.path, "column": self.label_column, "number": self.number}, []

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(header["path"], header["column"], header["number"])

    def answer(self) -> str:
        return _pictures(self.path, self.label_column).digest(self.number)

    def answer_to_frame(self, answer: str) -> Frame:
        return {}, [np.frombuffer(bytes.fromhex(answer), np.uint8)]

    def answer_from_frame(self, values: Any, arrays: Arrays) -> str:
        return of_shape(taken(arrays, [1])[0][0], "u1", (DIGEST_BYTES,)).tobytes().hex()


@lru_cache(maxsize=1)
def _pictures(path: str, label_column: str | None) -> PictureSet:
    """Return the pictures of a file; the process keeps the last file open."""
    from xai_core.bias.pictures_in import read_picture_set  # imports pandas, which single pictures do not need

    return read_picture_set(Path(path), "the file", label_column=label_column)


def _unopened(number: int) -> NoReturn:
    raise DataError("This list does not contain the pictures themselves.")
