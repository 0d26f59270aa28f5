"""Which detected boxes are shown, and how they are numbered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from xai_core.detection.pictures import at_size
from xai_core.detector import BoxTarget, Detections
from xai_core.params import Declared, Range, params_of

LEAST_SCORE = 0.05  # of the boxes requested from a detector
CANDIDATES = 5  # listed if no box reaches the threshold


@dataclass(frozen=True, kw_only=True)
class Shown(Declared):
    """Which boxes are shown. Boxes are numbered from 1, best first, so the threshold does not change the numbers."""

    threshold: Annotated[
        float, Range(LEAST_SCORE, 1.0, 0.01), "Lowest score of a box to show. A higher threshold shows fewer boxes."
    ] = 0.5

    def of(self, boxes: Detections) -> Detections:
        """Return the boxes whose score is at least the threshold."""
        return boxes.chosen(boxes.scores >= np.float32(self.threshold))

    def candidates(self, boxes: Detections) -> Detections:
        """Return the best boxes below the threshold."""
        start = len(self.of(boxes))
        return boxes.chosen(np.arange(start, min(start + CANDIDATES, len(boxes))))


Shown.id, Shown.title, Shown.params = "shown", "Boxes", params_of(Shown)


def box_entry(
    number: int, target: BoxTarget, labels: Sequence[str], seen: tuple[int, ...], whole: tuple[int, ...]
) -> dict[str, Any]:
    """Return a box as plain JSON values: its number from 1, its class, its score and its corners.

    seen: height and width of the detector's input. whole: height and width of the original picture, in whose pixels the
    corners are given: left, top, right, bottom.
    """
    (corners,) = at_size(target.array, seen, whole)
    return {
        "number": number,
        "label": labels[target.label],
        "index": target.label,
        "score": target.score,
        "box": [round(float(side), 2) for side in corners],
    }
