"""The boxes that a detector finds in a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitrine.drawing import as_png, shown_at
from vitrine.tables import Table
from xai_core.detection.pictures import at_size, image_of, outlined, shrunk
from xai_core.detection.shown import LEAST_SCORE, Shown, box_entry
from xai_core.detector import BoxTarget, Detections
from xai_core.errors import ParamError
from xai_core.pictures.files import Picture
from xai_core.types import Floats


class Boxes(Table):
    """The boxes found in a picture whose score reaches the threshold, the best first.

    A row has the box's number (from 1; `explain` takes it as `box`), label, index, score in 0..1, and left, top, right
    and bottom in pixels of the picture. `candidates` holds the best boxes below the threshold in the same form.
    """

    def __init__(
        self, picture: Picture, labels: tuple[str, ...], detections: Detections, shown: Shown, seconds: float
    ) -> None:
        self.picture, self.labels, self.threshold, self.seconds = picture, labels, shown.threshold, seconds
        self.detections = detections
        self.seen: NDArray[np.uint8] = shrunk(picture.pixels)
        self.entries = self._entries(shown.of(detections), 1)
        self.entries_below = self._entries(shown.candidates(detections), len(self.entries) + 1)
        self.candidates = Table([_row(entry) for entry in self.entries_below])
        super().__init__([_row(entry) for entry in self.entries])

    @property
    def corners(self) -> Floats:
        """The boxes as (n, 4) float32: left, top, right, bottom in pixels of the picture."""
        return np.array([entry["box"] for entry in self.entries], np.float32).reshape(-1, 4)

    @property
    def scores(self) -> Floats:
        """The scores, (n,) float32 in 0..1."""
        return np.array([entry["score"] for entry in self.entries], np.float32)

    @property
    def image(self) -> Floats:
        """The picture as the detector sees it, (h, w, 3) float32 in [0, 1]: no side is longer than 1344 pixels."""
        return image_of(self.seen)

    def target(self, number: int) -> BoxTarget:
        """Return the box with this number, counted from 1, in pixels of `image`."""
        return BoxTarget.of(self.detections, number - 1)

    def existing(self, numbers: tuple[int, ...]) -> tuple[int, ...]:
        """Return the numbers, or 1 if there are none; ParamError for a box that is not shown."""
        if not self.rows:
            raise ParamError(self.nothing_in_words())
        for number in numbers:
            if number > len(self):
                there_is = "box 1 has" if len(self) == 1 else f"boxes 1 to {len(self)} have"
                raise ParamError(
                    f"There is no box {number}: {there_is} a score of at least {self.threshold:g}. "
                    "Choose one of these, or lower the threshold."
                )
        return numbers or (1,)

    def nothing_in_words(self) -> str:
        """Say that no box is shown, and what to do about it."""
        sentence = f"No box has a score of at least {self.threshold:g}"
        if not self.entries_below:
            return f"{sentence}, or even {LEAST_SCORE:g}. Try a different picture."
        best = self.entries_below[0]
        return f"{sentence}. The best is {best['label']} with {best['score']:.3g}; lower the threshold to include it."

    def drawn(self) -> Image.Image:
        """Return the picture with the boxes outlined."""
        sizes = self.picture.pixels.shape[:2], self.seen.shape[:2]
        return Image.fromarray(outlined(self.seen, at_size(self.corners, *sizes)))

    def _repr_png_(self) -> bytes:
        return as_png(shown_at(self.drawn()))

    def _entries(self, detections: Detections, first: int) -> list[dict[str, Any]]:
        sizes = self.seen.shape[:2], self.picture.pixels.shape[:2]
        targets = (BoxTarget.of(detections, position) for position in range(len(detections)))
        return [box_entry(first + n, target, self.labels, *sizes) for n, target in enumerate(targets)]


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    left, top, right, bottom = entry["box"]
    sides = {"left": left, "top": top, "right": right, "bottom": bottom}
    return {name: entry[name] for name in ("number", "label", "index", "score")} | sides
