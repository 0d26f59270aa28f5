"""Networks of known families in sizes of their own, read from shapes: which families there are, and what to try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xai_core.preprocessing import Preprocessing, presets


@dataclass(frozen=True)
class Member:
    """A network of a family.

    build: makes it for a number of classes and of channels. head: the name of its last layer's weight. notes: what its
    shapes do not say and is assumed. choices: other members that fit, each as a source's `architecture`.
    """

    name: str
    build: Callable[[int, int], Any]
    head: str
    channels: int
    look: Preprocessing
    reason: str
    fixed_size: bool
    notes: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def look_of(side: int, channels: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Preprocessing:
    """Return a preprocessing of a square size; gray pictures get the first value of mean and std, and bands 0..1."""
    if channels not in (1, 3):
        return presets(side, side, channels)["0..1"]
    gray = channels == 1
    return Preprocessing(side, side, channels="gray" if gray else "RGB", mean=mean, std=std)
