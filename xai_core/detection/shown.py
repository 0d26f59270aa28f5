"""Which of the boxes that were found a person sees, and by which numbers they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from xai_core.detection.pictures import at_size
from xai_core.detector import BoxTarget, Detections
from xai_core.params import Declared, Range, params_of

LEAST_SCORE = 0.05  # of the boxes that a detector is asked for
CANDIDATES = 5  # told where no box reaches the threshold


@dataclass(frozen=True, kw_only=True)
class Shown(Declared):
    """Which boxes are shown; they are numbered from 1, the best first, so that another threshold leaves the numbers."""

    threshold: Annotated[float, Range(LEAST_SCORE, 1.0, 0.01), "Least score of a box that is shown."] = 0.5

    def of(self, found: Detections) -> Detections:
        """Return the boxes whose score is at least the threshold."""
        return found.chosen(found.scores >= np.float32(self.threshold))

    def candidates(self, found: Detections) -> Detections:
        """Return the best boxes below the threshold."""
        start = len(self.of(found))
        return found.chosen(np.arange(start, min(start + CANDIDATES, len(found))))


Shown.id, Shown.title, Shown.params = "shown", "Boxes", params_of(Shown)


def box_entry(
    number: int, target: BoxTarget, labels: Sequence[str], seen: tuple[int, ...], whole: tuple[int, ...]
) -> dict[str, Any]:
    """Return a box as plain JSON values: its number from 1, its class, its score and its place.

    seen: height and width of the picture as the detector got it. whole: those of the picture as the person has it, in
    whose pixels the box is given: left, top, right, bottom.
    """
    (corners,) = at_size(target.array, seen, whole)
    return {
        "number": number,
        "label": labels[target.label],
        "index": target.label,
        "score": target.score,
        "box": [round(float(side), 2) for side in corners],
    }
