"""A picture cut into segments, each shown or hidden as a whole, and what replaces the hidden ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, cast

import numpy as np
from numpy.typing import NDArray

from xai_core.families.baselines import Baseline, baseline_picture
from xai_core.types import Floats, Indices

Kept = NDArray[np.bool_]
Fill = Annotated[
    Literal["segment", "black", "grey", "mean", "blurred"],
    "What replaces a hidden part: its own mean colour (segment), one colour, the picture's mean colour, or a blur.",
]
SAME = 1 / 512  # of the range of a pixel: half a step of eight bits
NOTHING_TO_HIDE = "The picture looks the same with everything hidden, so the map says nothing; choose a different fill."


@dataclass(frozen=True)
class Segments:
    """labels: (H, W), the number of each pixel's segment, 0 to `count` - 1. notes: how they were made, in sentences."""

    labels: Indices
    count: int
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, labels: NDArray[np.integer], notes: tuple[str, ...] = ()) -> Segments:
        """Renumber the segments of any labels (H, W) from 0."""
        names, numbers = np.unique(labels, return_inverse=True)
        return cls(numbers.reshape(labels.shape).astype(np.int64), len(names), notes)

    @classmethod
    def grid(cls, size: tuple[int, ...], rows: int, columns: int, notes: tuple[str, ...] = ()) -> Segments:
        """Cut a picture of `size` into about equal rows and columns, never more than it has pixels."""
        rows, columns = min(rows, size[0]), min(columns, size[1])
        down, across = (np.arange(side) * cells // side for side, cells in zip(size, (rows, columns), strict=True))
        return cls(down[:, None] * columns + across, rows * columns, notes)

    def paint(self, values: NDArray[np.floating]) -> Floats:
        """Return maps (T, H, W) that give each pixel its segment's value, from values (T, count)."""
        return values.astype(np.float32)[:, self.labels]

    def mean_colours(self, image: Floats) -> Floats:
        """Return a picture (H, W, 3) in which each segment has its mean colour in `image`."""
        flat, pixels = self.labels.ravel(), image.reshape(-1, image.shape[2])
        sums = np.stack([np.bincount(flat, channel, self.count) for channel in pixels.T], axis=1)
        return (sums / np.bincount(flat, minlength=self.count)[:, None]).astype(np.float32)[self.labels]


class Hiding:
    """Hides segments of an image (H, W, 3). notes: how the segments were made, and whether hiding changes nothing."""

    def __init__(self, image: Floats, segments: Segments, fill: str) -> None:
        self._image, self._labels = image, segments.labels
        self._fill = filling(fill, image, segments)
        self.notes = segments.notes + notes_on(image, self._fill)

    def pictures(self, kept: Kept, skip: int = 0) -> Floats:
        """Return one image per row of `kept` (n, count) after the first `skip`, with the other segments hidden."""
        return np.where(kept[skip:][:, self._labels][..., None], self._image, self._fill)


def filling(fill: str, image: Floats, segments: Segments) -> Floats:
    """Return the picture (H, W, 3) that replaces an image where it is hidden."""
    return segments.mean_colours(image) if fill == "segment" else baseline_picture(cast(Baseline, fill), image)


def notes_on(image: Floats, fill: Floats) -> tuple[str, ...]:
    """Return a sentence if an image cannot be distinguished from its fill."""
    return (NOTHING_TO_HIDE,) if float(np.abs(image - fill).max()) < SAME else ()
