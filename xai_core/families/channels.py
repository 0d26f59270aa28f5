"""From three colour channels to one value a pixel."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from xai_core.types import Floats

Reduction = Annotated[
    Literal["max_abs", "sum"],
    "How three colour channels become one value: the greatest magnitude, or the signed sum.",
]


def reduced(gradients: Floats, reduction: str) -> Floats:
    """Return maps (N, H, W) of gradients (N, H, W, 3), as "max_abs" or "sum" says."""
    if reduction == "max_abs":
        return np.asarray(np.abs(gradients).max(axis=-1), np.float32)
    return np.asarray(gradients.sum(axis=-1), np.float32)


def one_image_a_target(image: Floats, targets: int) -> Floats:
    """Return an image (H, W, 3) once for each target, (T, H, W, 3)."""
    return np.ascontiguousarray(np.broadcast_to(image, (targets, *image.shape)))
