"""Generate trial inputs for a newly opened network, and judge its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xai_core.errors import OutOfMemory
from xai_core.types import Floats, Head, InputSpec, Score

Units = tuple[float, float]
UNITS: tuple[Units, ...] = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
AT_ONCE = 32 * 224 * 224  # pixels per call; more is hardly faster, and a worker's memory is limited
LEAST_CHANGE = 1e-3
FEWEST_OF_EMBEDDING = 16  # values
COMMON_SIDES = (224, 32, 28, 299, 256, 64, 96, 128, 192, 384, 512)


def noise(spec: InputSpec, count: int = 2, side: int = 224, seed: int = 0) -> Floats:
    """Return white noise N(0, 1), (count, H, W, C); `side` stands in for a free height or width, in pixels."""
    shape = (count, spec.height or side, spec.width or side, spec.channels)
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def natural(spec: InputSpec, units: Units = (0.0, 1.0), count: int = 2, side: int = 224, seed: int = 0) -> Floats:
    """Return pictures (count, H, W, C) within `units` whose spectrum falls as 1/f, like that of photographs.

    Source: Field, "Relations between the statistics of natural images", JOSA A, 1987.
    """
    white = noise(spec, count, side, seed)
    rows, columns = (np.fft.fftfreq(n)[:, None] for n in white.shape[1:3])
    frequency = np.sqrt(rows**2 + columns.T**2)
    frequency.flat[0] = frequency.flat[-1]
    pink = np.fft.ifft2(np.fft.fft2(white, axes=(1, 2)) / frequency[None, :, :, None], axes=(1, 2)).real
    low, high = pink.min(axis=(1, 2, 3), keepdims=True), pink.max(axis=(1, 2, 3), keepdims=True)
    share = (pink - low) / (high - low)
    return np.asarray(units[0] + share * (units[1] - units[0]), np.float32)


def trials(spec: InputSpec, side: int = 224) -> list[Floats]:
    """Return batches of two: white noise, then natural-looking pictures in each of the usual `UNITS`."""
    return [noise(spec, 2, side), *(natural(spec, units, 2, side) for units in UNITS)]


def in_batches(call: Callable[..., Floats], size: int | None, *arrays: Any, most: int | None = None) -> Floats:
    """Return `call(*arrays)`, computed in batches of exactly `size`, the last one padded, or of up to `most`."""
    count = len(arrays[0])
    step = size or most or max(count, 1)
    pieces = []
    for start in range(0, max(count, 1), step):
        parts = [a[start : start + step] for a in arrays]
        short = step - len(parts[0]) if size else 0
        padded = [np.concatenate([p, np.repeat(p[-1:], short, axis=0)]) for p in parts] if short else parts
        pieces.append(call(*padded)[: len(parts[0])])
    return np.concatenate(pieces)


def ran_out(pictures: int) -> OutOfMemory:
    """Return the error for a model that ran out of memory on this many pictures at once."""
    way_out = f"on {pictures} pictures; choose a smaller batch." if pictures > 1 else "on a single picture."
    return OutOfMemory(f"The model ran out of memory {way_out}")


def are_probabilities(outputs: list[Floats]) -> bool:
    """Whether rows of outputs (N, K) look like those of a softmax: in 0..1 and summing to 1."""
    rows = np.concatenate(outputs)
    return bool(rows.shape[1] > 1 and (rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3))


def are_shares(outputs: list[Floats]) -> bool:
    """Whether rows of outputs (N, K) look like those of a sigmoid: they vary, and stay within 0..1 on every trial."""
    rows = np.concatenate(outputs)
    return bool(rows.min() >= 0 and rows.max() <= 1 and np.ptp(rows, axis=0).max() > LEAST_CHANGE)


def meaning(outputs: list[Floats], cut: bool, head: Head | None) -> dict[str, Any]:
    """Return the fields of a card that say what outputs (N, K) of trials mean: gives, head, head_known and doubt.

    head: the softmax or sigmoid that ends the network, if it shows. cut: whether that was removed.
    """
    if head or are_probabilities(outputs):
        gives: Score = "logit" if cut else "probability"
        return {"gives": gives, "head": head or "softmax", "head_known": True}
    if are_shares(outputs):
        return {"gives": "probability", "head": "sigmoid"}
    return {"gives": "logit", "head": "sigmoid" if outputs[0].shape[1] == 1 else "softmax", "doubt": doubt(outputs)}


def doubt(outputs: list[Floats]) -> str:
    """Return why outputs (N, K) of trials do not look like scores of classes, as a clause; "" if they may be."""
    rows = np.concatenate(outputs)
    if rows.shape[1] < FEWEST_OF_EMBEDDING:
        return ""
    if np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3):
        return "every output is a vector of length 1, like an embedding"
    if rows.min() >= 0 and (rows == 0).any() and np.ptp(rows, axis=0).max() > LEAST_CHANGE:
        return "the outputs are never negative and often zero, like the features before a last layer"
    return ""


def agree(ours: list[Floats], theirs: list[Floats], tolerance: float) -> bool:
    """Whether all outputs agree within `tolerance`, which is relative for values larger than 1."""
    pairs = zip(ours, theirs, strict=True)
    return all(
        a.shape == b.shape and bool((np.abs(a - b) <= tolerance * np.maximum(1, np.abs(b).max())).all())
        for a, b in pairs
    )
