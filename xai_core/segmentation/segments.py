"""The result of a segmentation: the class of every pixel, and its confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xai_core.labels import BACKGROUND
from xai_core.pictures.resampling import stretch
from xai_core.scores import THRESHOLD, as_score, is_multi_label
from xai_core.types import Card, Flags, Floats

NO_CLASS = -1
ROWS = 64  # enlarged at a time: 512 x 512 pixels of 150 classes would take 160 MB
BESIDE = np.ones((3, 3), np.bool_)  # pixels that touch at a corner belong together
Classes = NDArray[np.int32]


@dataclass(frozen=True)
class Segment:
    """All pixels of one class. share: of the picture, 0 to 1. probability: of the class, the mean over its pixels."""

    index: int
    share: float
    probability: float


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The class of every pixel of a picture as the model sees it.

    classes: (H, W) int32; NO_CLASS where none of several independent classes reaches a probability of 0.5.
    confidence: (H, W) float32 in 0..1, the probability of the most probable class.
    """

    classes: Classes
    confidence: Floats

    @classmethod
    def of(cls, raw: Floats, card: Card, size: tuple[int, int]) -> Segmentation:
        """Return the classes for raw outputs (h, w, K), which are first enlarged bilinearly to `size`."""
        down, across = (stretch(old, new) for old, new in zip(raw.shape[:2], size, strict=True))
        wide = np.einsum("jw,hwk->hjk", across, raw, optimize=True)
        strips = [_labelled(down[at : at + ROWS], wide, card) for at in range(0, size[0], ROWS)]
        classes, confidence = (np.concatenate(parts) for parts in zip(*strips, strict=True))
        return cls(classes, confidence)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The classes that are present, the largest first."""
        present, counts = np.unique(self.classes[self.classes != NO_CLASS], return_counts=True)
        shares = counts / self.classes.size
        whole = [
            Segment(int(index), float(share), float(self.confidence[self.classes == index].mean(dtype=np.float64)))
            for index, share in zip(present, shares, strict=True)
        ]
        return tuple(sorted(whole, key=lambda segment: (-segment.share, segment.index)))

    def main(self, labels: Sequence[str]) -> int:
        """Return the class that covers most of the picture, other than the background if there is any other."""
        present = [segment.index for segment in self.segments]
        others = [index for index in present if labels[index].strip().casefold() not in BACKGROUND]
        return next(iter((*others, *present)), 0)

    def region_of(self, index: int) -> Flags:
        """Return where a class was predicted, (H, W)."""
        return np.asarray(self.classes == index)

    def connected(self, row: int, column: int) -> Flags:
        """Return the connected region of one class around a pixel, (H, W)."""
        from scipy import ndimage  # slow to import, and rarely needed

        parts, _ = ndimage.label(self.classes == self.classes[row, column], BESIDE)
        return np.asarray(parts == parts[row, column])


def _labelled(rows: Floats, wide: Floats, card: Card) -> tuple[Classes, Floats]:
    """Return classes and confidence of some rows of the picture. rows: (n, h). wide: raw outputs (h, W, K)."""
    scores = as_score(np.asarray(np.tensordot(rows, wide, 1), np.float32), card, "probability")
    classes = scores.argmax(axis=2).astype(np.int32)
    confidence = scores.max(axis=2)
    if is_multi_label(card):
        classes[confidence < THRESHOLD] = NO_CLASS
    return classes, confidence
