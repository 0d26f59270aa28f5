"""What methods share that follow the slope of a box's score or edge back to the feature pyramid."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from xai_core.types import Floats

LEAST_IOU = 0.1  # below, the gradient would be that of a different box
Slope = Annotated[
    Literal["score", "left", "right", "top", "bottom", "width", "height"],
    "What is explained: the score of the box's class (its logit), or one of its edges, its width or its height in "
    "pixels. How well the box keeps its place (IoU) is not among them: at its own place it has no slope.",
]


def smoothed(gradients: Floats) -> Floats:
    """Return the mean of gradients (h, w, K) over each place and its neighbours (3 x 3, zero beyond the edge)."""
    padded = np.pad(gradients, ((1, 1), (1, 1), (0, 0)))
    height, width = gradients.shape[:2]
    around = [padded[down : down + height, across : across + width] for down in range(3) for across in range(3)]
    return np.asarray(np.mean(around, axis=0), np.float32)
