"""Parts of a picture in which channels are ablated separately, and the map that adds them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xai_core.detection.targets import inside
from xai_core.detector import BoxTarget
from xai_core.families.cam import weighted
from xai_core.params import Size
from xai_core.pictures.resampling import resized
from xai_core.types import Flags, Floats, Indices

Signs = Literal["magnitude", "as where it counts", "as they are"]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a picture, as flags (h, w) for each level of a pyramid, and the sign of each channel's deviation there.

    sides: for each level (T, K), 1 if a channel is above its average in the part, otherwise -1.
    """

    name: str
    places: list[Flags]
    sides: list[Floats]


def whole(maps: Sequence[Floats], targets: Sequence[BoxTarget], size: tuple[int, ...]) -> Part:
    """Return the whole picture as one part, with signs measured in the targets. size: of the image, in pixels."""
    sides = [np.stack([_side(heatmap, _within(heatmap, target, size)) for target in targets]) for heatmap in maps]
    return Part("everywhere", [np.ones(heatmap.shape[:2], np.bool_) for heatmap in maps], sides)


def apart(maps: Sequence[Floats], target: BoxTarget, size: tuple[int, ...]) -> tuple[Part, Part]:
    """Return the target's box and its surroundings as two parts. size: of the image, in pixels."""
    boxes = [_within(heatmap, target, size) for heatmap in maps]
    return _part("inside", maps, boxes), _part("outside", maps, [~box for box in boxes])


class WeightedChannels:
    """The weighted sum of channels on one grid, added up level by level to save memory.

    signs: how a channel enters: by magnitude, with its sign flipped if it is below average in the part, or unchanged.
    maps: (T, H, W) so far. count: the number of channels added, once for each part.
    """

    def __init__(self, levels: Sequence[Floats], signs: Signs, targets: int, size: Size) -> None:
        self._levels = [np.abs(level) for level in levels] if signs == "magnitude" else levels
        self._turned = signs == "as where it counts"
        self.maps, self.count = np.zeros((targets, *size), np.float32), 0

    def add(self, channels: Indices, weights: Floats, part: Part) -> None:
        """Add channels (n, 2) with their weights (n, T), in a part of the picture."""
        for level in np.unique(channels[:, 0]):
            own = channels[:, 0] == level
            numbers = channels[own, 1]
            turned = weights[own].T * (part.sides[level][:, numbers] if self._turned else 1)
            coarse = weighted(self._levels[level][..., numbers], turned) * part.places[level]
            self.maps = self.maps + resized(coarse, (self.maps.shape[1], self.maps.shape[2]))
        self.count += len(channels)


def _part(name: str, maps: Sequence[Floats], places: list[Flags]) -> Part:
    return Part(name, places, [_side(heatmap, flags)[None] for heatmap, flags in zip(maps, places, strict=True)])


def _within(heatmap: Floats, target: BoxTarget, size: tuple[int, ...]) -> Flags:
    flags = np.zeros(heatmap.shape[:2], np.bool_)
    flags[inside(target, size, (heatmap.shape[0], heatmap.shape[1]))] = True
    return flags


def _side(heatmap: Floats, flags: Flags) -> Floats:
    rises = not flags.any() or heatmap[flags].mean(axis=0) >= heatmap.mean(axis=(0, 1))
    return np.where(rises, np.float32(1), np.full(heatmap.shape[-1], -1, np.float32))
