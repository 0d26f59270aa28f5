"""The order in which the channels of a feature pyramid are tested: the most promising ones first."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from xai_core.detection.targets import inside
from xai_core.detector import BoxTarget
from xai_core.types import Floats, Indices

TRIED = 3  # channels of each level, which show how much depends on it


class ChannelOrder:
    """A share of the channels of some levels (h, w, K), in the order in which they are tested.

    A few channels of each level come first: those most active inside the targets. Their effect on the targets shows
    how much depends on each level; if a box comes from one level, the others hardly matter. The remaining channels
    follow, ranked by their activity times that effect. size: of the image, in whose pixels the targets are given.
    percent: share of the channels, 1 to 100, rounded up to a whole number.
    """

    def __init__(
        self, maps: Sequence[Floats], targets: Sequence[BoxTarget], size: tuple[int, ...], percent: float
    ) -> None:
        self._every = np.concatenate([_numbered(level, level_map.shape[-1]) for level, level_map in enumerate(maps)])
        self._activity = np.concatenate([_activity(level_map, targets, size) for level_map in maps], axis=1)
        self._count = math.ceil(round(len(self._every) * percent / 100, 9))
        self._order = self._first_of_each_level()[: self._count]
        self.tried = len(self._order)

    def __len__(self) -> int:
        return self._count

    @property
    def channels(self) -> Indices:
        """The channels (n, 2) in order, as far as it is known: the level's index and the channel's index."""
        return self._every[self._order]

    def settle(self, moved: Floats) -> None:
        """Order the remaining channels by how far each target moved (n, T) without each of the tried ones."""
        tried, promise = self._order[: self.tried], np.zeros_like(self._activity)
        for level in np.unique(self._every[:, 0]):
            own = self._every[tried, 0] == level
            active = self._activity[:, tried[own]].sum(axis=1)
            weight = moved[own].sum(axis=0) / np.where(active > 0, active, 1)
            promise += np.where(self._every[:, 0] == level, self._activity * weight[:, None], 0)
        rest = np.setdiff1d(np.arange(len(self._every)), tried)
        best = np.lexsort([-_best(self._activity)[rest], -_best(promise)[rest]])
        self._order = np.concatenate([tried, rest[best]])[: self._count]

    def _first_of_each_level(self) -> Indices:
        """Return the index of the most active channel of each level, then the second most active, and so on."""
        ranked = np.argsort(-_best(self._activity), kind="stable")
        levels = self._every[ranked, 0]
        turns = [np.flatnonzero(levels == level)[:TRIED] for level in np.unique(levels)]
        return np.asarray(ranked[[turn[n] for n in range(TRIED) for turn in turns if n < len(turn)]], np.int64)


def _numbered(level: int, count: int) -> Indices:
    numbers = np.arange(count)
    return np.stack([np.full_like(numbers, level), numbers], axis=1)


def _activity(level_map: Floats, targets: Sequence[BoxTarget], size: tuple[int, ...]) -> Floats:
    """Return the mean magnitude (T, K) of each channel of a level (h, w, K) inside each target."""
    places = [inside(target, size, (level_map.shape[0], level_map.shape[1])) for target in targets]
    return np.stack([np.abs(level_map[place]).mean(axis=(0, 1)) for place in places])


def _best(values: Floats) -> Floats:
    """Return the best value of each channel over the targets (T, K), each target scaled to a maximum of 1: (K,)."""
    peaks = values.max(axis=1, keepdims=True)
    return np.asarray((values / np.where(peaks > 0, peaks, 1)).max(axis=0), np.float32)
