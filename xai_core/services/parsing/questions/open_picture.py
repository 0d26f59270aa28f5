"""Open a picture as 8-bit RGB."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np

from xai_core.errors import ImageError
from xai_core.jobs.checks import field, whole
from xai_core.jobs.frames import Arrays, BadFrame, Frame, Header
from xai_core.pictures.bands import MOST_BYTES, Bands
from xai_core.pictures.files import MAX_BYTES, MAX_PIXELS, MIN_SIDE, Picture, check_bytes, digest_of, open_picture
from xai_core.pictures.opening import MOST_PAGES, Opening
from xai_core.preprocessing import MOST_BANDS
from xai_core.services.parsing.question import FileQuestion, as_array, as_bytes, file_question
from xai_core.services.parsing.wire import notes, of_type


@file_question("open_picture")
class OpenPicture(FileQuestion[Picture]):
    """Open the bytes of a picture under a name; ImageError if it cannot be used.

    opening: which page, how it is shown, and whether it may be reduced.
    """

    error = ImageError
    largest_answer = 3 * MAX_PIXELS + MOST_BYTES

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
        return open_picture(self.data, self.shown_name or "picture", opening=self.opening)

    def answer_to_frame(self, answer: Picture) -> Frame:
        count = 0 if answer.bands is None else answer.bands.shape[2]
        values = {"notes": [*answer.notes], "pages": answer.pages, "windowed": answer.windowed, "bands": count}
        return values, [answer.pixels, *([] if answer.bands is None else [answer.bands])]

    def answer_from_frame(self, values: Any, arrays: Arrays) -> Picture:
        digest = digest_of(self.data, self.opening)
        picture = picture_from_frame(values, arrays[:1], self.shown_name, digest)
        pages = whole(field(values, "pages"), MOST_PAGES, self.opening.page)
        bands = _bands(arrays[1:], field(values, "bands"), picture.pixels.shape)
        windowed = field(values, "windowed") is True
        picture = replace(picture, page=self.opening.page - 1, shown_bands=self.opening.bands)
        return replace(picture, pages=pages, bands=bands, windowed=windowed, white=self.opening.white)


def _bands(arrays: Arrays, count: Any, shape: tuple[int, ...]) -> Bands | None:
    """Read as many bands (h, w, B) as were announced, for a picture of a shape (h, w, 3); None for 0."""
    if not arrays and count == 0:
        return None
    wanted = (*shape[:2], whole(count, MOST_BANDS, 2))
    if len(arrays) != 1 or arrays[0].dtype not in (np.uint8, np.uint16) or arrays[0].shape != wanted:
        raise BadFrame("Expected the bands of a picture.")
    return arrays[0]


def picture_from_frame(values: Any, arrays: Arrays, name: str, digest: str) -> Picture:
    """Read a picture (h, w, 3) uint8 within the limits of one."""
    pixels = of_type(arrays[0], "u1", 3) if len(arrays) == 1 else None
    if pixels is None or pixels.shape[2] != 3 or min(pixels.shape[:2]) < MIN_SIDE:
        raise BadFrame("Expected the pixels of a picture.")
    return Picture(pixels, name, digest, notes(field(values, "notes")))
