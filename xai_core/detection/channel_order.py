"""The order in which the channels of a feature pyramid are asked about: those that promise most come first."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from xai_core.detection.targets import inside
from xai_core.detector import BoxTarget
from xai_core.types import Floats, Indices

TRIED = 3  # channels of each level, which show how much hangs on it


class ChannelOrder:
    """A share of the channels of some levels (h, w, K), in the order in which they are asked about.

    First come the most active ones inside the targets, a few of each level. What the targets were worth without them
    tells how much hangs on their level: where a box was read off one level, the others hardly matter. The rest follow
    by activity times that. size: of the image whose pixels the targets are in. percent: 1 to 100; there are exactly
    the next whole number of channels.
    """

    def __init__(
        self, maps: Sequence[Floats], targets: Sequence[BoxTarget], size: tuple[int, ...], percent: float
    ) -> None:
        self._every = np.concatenate([_numbered(level, map.shape[-1]) for level, map in enumerate(maps)])
        self._activity = np.concatenate([_activity(map, targets, size) for map in maps], axis=1)
        self._count = math.ceil(round(len(self._every) * percent / 100, 9))
        self._order = self._a_few_of_each_level()[: self._count]
        self.tried = len(self._order)

    def __len__(self) -> int:
        return self._count

    @property
    def channels(self) -> Indices:
        """The channels (n, 2) whose turn is known: the level's position and the channel's own number."""
        return self._every[self._order]

    def settle(self, moved: Floats) -> None:
        """Put the rest in order, given how far each target was moved (n, T) without each of those that were tried."""
        tried, promise = self._order[: self.tried], np.zeros_like(self._activity)
        for level in np.unique(self._every[:, 0]):
            own = self._every[tried, 0] == level
            active = self._activity[:, tried[own]].sum(axis=1)
            weight = moved[own].sum(axis=0) / np.where(active > 0, active, 1)
            promise += np.where(self._every[:, 0] == level, self._activity * weight[:, None], 0)
        rest = np.setdiff1d(np.arange(len(self._every)), tried)
        best = np.lexsort([-_best(self._activity)[rest], -_best(promise)[rest]])
        self._order = np.concatenate([tried, rest[best]])[: self._count]

    def _a_few_of_each_level(self) -> Indices:
        """Return the positions of the most active channel of each level, then of the second, and so on."""
        ranked = np.argsort(-_best(self._activity), kind="stable")
        levels = self._every[ranked, 0]
        turns = [np.flatnonzero(levels == level)[:TRIED] for level in np.unique(levels)]
        return np.asarray(ranked[[turn[n] for n in range(TRIED) for turn in turns if n < len(turn)]], np.int64)


def _numbered(level: int, count: int) -> Indices:
    numbers = np.arange(count)
    return np.stack([np.full_like(numbers, level), numbers], axis=1)


def _activity(map: Floats, targets: Sequence[BoxTarget], size: tuple[int, ...]) -> Floats:
    """Return the mean magnitude (T, K) of each channel of a level (h, w, K) inside each target."""
    places = [inside(target, size, (map.shape[0], map.shape[1])) for target in targets]
    return np.stack([np.abs(map[place]).mean(axis=(0, 1)) for place in places])


def _best(values: Floats) -> Floats:
    """Return what each channel is at best for any of the targets (T, K), the greatest of each being 1: (K,)."""
    peaks = values.max(axis=1, keepdims=True)
    return np.asarray((values / np.where(peaks > 0, peaks, 1)).max(axis=0), np.float32)
