"""Pictures to train on: the 1,797 handwritten digits that scikit-learn ships, larger and in colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

LEAST_ACCURACY = 0.85  # of the small networks on held-out digits
EVERY = 6  # of so many digits in a row one is held out
BRIGHTEST = 16
INK, GROUND = (0.6, 1.0), (0.0, 0.4)


@dataclass(frozen=True)
class Digits:
    """Pictures (N, side, side, 3) uint8 and which digit each shows, (N,) int64."""

    pictures: np.ndarray
    classes: np.ndarray

    @property
    def train(self) -> Digits:
        return self._where(np.arange(len(self.classes)) % EVERY != 0)

    @property
    def held_out(self) -> Digits:
        return self._where(np.arange(len(self.classes)) % EVERY == 0)

    def _where(self, chosen: np.ndarray) -> Digits:
        return Digits(self.pictures[chosen], self.classes[chosen])


def coloured_digits(side: int = 32) -> Digits:
    """Return digits in a bright colour on a dark one, drawn anew for each picture."""
    shades, classes = _shades(side)
    random = np.random.default_rng(0)
    ink, ground = (random.uniform(*limits, (len(classes), 1, 1, 3)) for limits in (INK, GROUND))
    return Digits(_as_bytes(ground + (ink - ground) * shades[..., None]), classes)


def grey_digits(side: int = 28) -> Digits:
    """Return digits in white on black, as in MNIST."""
    shades, classes = _shades(side)
    return Digits(_as_bytes(np.repeat(shades[..., None], 3, axis=3)), classes)


def _shades(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how much ink lies where, (N, side, side) in 0..1, and the classes."""
    found = load_digits()
    small = [Image.fromarray(np.asarray(image / BRIGHTEST, np.float32)) for image in found.images]
    large = [np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)) for image in small]
    return np.stack(large).clip(0, 1), found.target.astype(np.int64)


def _as_bytes(values: np.ndarray) -> np.ndarray:
    return np.round(values * 255).astype(np.uint8)
