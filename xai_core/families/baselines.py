"""Pictures that stand for "no information": the start of Integrated Gradients, the fill of occlusion."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from xai_core.types import Floats

Baseline = Literal["black", "white", "grey", "mean", "blurred", "noise"]
ComparedWith = Annotated[
    Baseline,
    "The picture that stands for no information: a plain colour, the picture's mean colour, a blurred copy, or random "
    "noise.",
]
RANDOM: Baseline = "noise"
PLAIN = {"black": 0.0, "grey": 0.5, "white": 1.0}
BLUR_SHARE = 1 / 16  # of the shorter side: 14 px at 224, where objects lose their parts and scenes keep their colours


def baseline_picture(kind: Baseline, image: Floats, seed: int = 0) -> Floats:
    """Return a picture of the shape of `image`, (H, W, 3) float32 in [0, 1].

    "mean" is the picture's own mean colour, "blurred" the picture without its details, "noise" a uniform random value
    per pixel and channel, reproducible by `seed`.
    """
    if kind in PLAIN:
        return np.full_like(image, PLAIN[kind])
    if kind == "mean":
        return np.broadcast_to(image.mean(axis=(0, 1)), image.shape).astype(np.float32)
    if kind == "blurred":
        return blurred(image, max(1.0, min(image.shape[:2]) * BLUR_SHARE))
    return np.random.default_rng(seed).random(image.shape, dtype=np.float32)


def blurred(image: Floats, sigma: float) -> Floats:
    """Return a picture (H, W, 3) after a Gaussian blur of `sigma` pixels; the kernel is cut at the border."""
    rows, columns = (_gaussian(side, sigma) for side in image.shape[:2])
    return np.asarray(np.einsum("ih,hwc,jw->ijc", rows, image, columns, optimize=True), np.float32)


def _gaussian(side: int, sigma: float) -> Floats:
    distance = np.subtract.outer(np.arange(side), np.arange(side))
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
