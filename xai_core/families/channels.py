"""From colour channels, or other bands, to one value per pixel."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from xai_core.types import Floats

Reduction = Annotated[
    Literal["max_abs", "sum"],
    "How the colour channels, or bands, are combined: the largest magnitude, or the signed sum.",
]


def reduced(gradients: Floats, reduction: str) -> Floats:
    """Reduce gradients (N, H, W, 3) to maps (N, H, W), by "max_abs" or "sum"."""
    if reduction == "max_abs":
        return np.asarray(np.abs(gradients).max(axis=-1), np.float32)
    return np.asarray(gradients.sum(axis=-1), np.float32)


def one_image_a_target(image: Floats, targets: int) -> Floats:
    """Repeat an image (H, W, 3) once per target: (T, H, W, 3)."""
    return np.ascontiguousarray(np.broadcast_to(image, (targets, *image.shape)))
