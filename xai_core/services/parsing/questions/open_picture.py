"""Open a picture as 8-bit RGB."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from xai_core.errors import ImageError
from xai_core.jobs.checks import field, whole
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.pictures.files import MAX_BYTES, MAX_PIXELS, MIN_SIDE, Picture, check_bytes, digest_of, open_picture
from xai_core.pictures.opening import MOST_PAGES, Opening
from xai_core.services.parsing.question import FileQuestion, as_array, as_bytes, file_question
from xai_core.services.parsing.wire import notes, of_type


@file_question("open_picture")
class OpenPicture(FileQuestion[Picture]):
    """Open the bytes of a picture under a name; ImageError if it cannot be used.

    opening: which page, and whether it may be reduced.
    """

    error = ImageError
    largest_answer = 3 * MAX_PIXELS

    data: bytes
    shown_name: str
    opening: Opening = Opening()  # frozen

    def to_frame(self) -> Frame:
        check_bytes(self.data)
        return {"opening": self.opening.values()}, as_array(self.data[: MAX_BYTES + 1])

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(as_bytes(arrays), "", Opening.from_json(header["opening"]))

    def answer(self) -> Picture:
        page, reduce = self.opening.page - 1, self.opening.reduce
        return open_picture(self.data, self.shown_name or "picture", page=page, reduce=reduce)

    def answer_to_frame(self, answer: Picture) -> Frame:
        return {"notes": list(answer.notes), "pages": answer.pages}, [answer.pixels]

    def answer_from_frame(self, values: Any, arrays: Arrays) -> Picture:
        digest = digest_of(self.data, self.opening.page - 1)
        picture = picture_from_frame(values, arrays, self.shown_name, digest)
        pages = whole(field(values, "pages"), MOST_PAGES, self.opening.page)
        return replace(picture, pages=pages, page=self.opening.page - 1)


def picture_from_frame(values: Any, arrays: Arrays, name: str, digest: str) -> Picture:
    """Read a picture (h, w, 3) uint8 within the limits of one."""
    pixels = of_type(arrays[0], "u1", 3) if len(arrays) == 1 else None
    if pixels is None or pixels.shape[2] != 3 or min(pixels.shape[:2]) < MIN_SIDE:
        raise BadFrame("Expected the pixels of a picture.")
    return Picture(pixels, name, digest, notes(field(values, "notes")))
