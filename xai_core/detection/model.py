"""The detector that methods see: images in, boxes and feature maps out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import numpy as np

from xai_core.batches import Batches
from xai_core.detector import Aspect, BoxTarget, Detections, Detector, Places
from xai_core.errors import ModelError
from xai_core.model import Ledger, Memory, NoMemory
from xai_core.types import Card, Floats, Indices


class DetectionModel:
    """A detector; images are (N, H, W, 3) float32 RGB in [0, 1], boxes are in pixels of the image.

    Every answer is checked to be finite; where it is not, ModelError. A batch that takes too much memory is halved
    until it fits, and `notes` says so. tick: called after each pass.
    """

    def __init__(
        self, detector: Detector, memory: Memory | None = None, tick: Callable[[], None] = lambda: None
    ) -> None:
        self._detector = detector
        self._memory = memory or NoMemory()
        self._tick = tick
        self._batches = Batches(tick)

    @property
    def card(self) -> Card:
        return self._detector.card

    @property
    def notes(self) -> tuple[str, ...]:
        """What happened on the way that a person should know, in sentences."""
        return self._batches.notes

    def take_at_most(self, count: int) -> None:
        """Ask in batches of so many pictures or channels from now on; `notes` says so."""
        self._batches.take_at_most(count)

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        """Return what is found in each image, boxes with a score of at least `floor`."""
        found = self._batches.run(lambda some: self._detector.detect(some, floor), images)
        return [_finite(one) for one in chain.from_iterable(found)]

    def levels(self, chosen: Sequence[str]) -> tuple[str, ...]:
        """Return the chosen levels of the pyramid, or all of them where none is chosen."""
        return tuple(chosen) or tuple(layer.name for layer in self.card.layers)

    def pyramid(self, image: Floats, levels: Sequence[str]) -> list[Floats]:
        """Return the feature maps (h, w, K) of an image (H, W, 3) at some levels; each covers the image."""
        maps = self._detector.pyramid(image, levels)
        self._tick()
        return _all_finite(maps)

    def box_gradients(
        self, image: Floats, target: BoxTarget, aspect: Aspect, levels: Sequence[str]
    ) -> tuple[float, list[Floats]]:
        """Return an aspect of the box nearest to the target, and its gradient (h, w, K) at some levels."""
        value, gradients = self._detector.box_gradients(image, target, aspect, levels)
        self._tick()
        return value, _all_finite(gradients)

    def without_channels(
        self,
        image: Floats,
        channels: Indices,
        value: float,
        targets: Sequence[BoxTarget],
        floor: float,
        places: Places | None = None,
    ) -> list[Detections]:
        """Return what is found near the targets with one channel set to `value`, for each of `channels` (n, 2).

        places: where it is set, by default everywhere.
        """

        def one_batch(some: Indices) -> list[Detections]:
            return self._detector.without_channels(image, some, value, targets, floor, places)

        return [_finite(one) for one in chain.from_iterable(self._batches.run(one_batch, channels))]

    def ledger(self, key: str, width: int) -> Ledger:
        """Return the rows (n, width) that are remembered of an earlier run with the same `key`."""
        return self._memory.ledger(f"{self._detector.key} {key}", width)


def _finite(found: Detections) -> Detections:
    _all_finite([found.corners, found.scores, found.class_scores, found.objectness])
    return found


def _all_finite(arrays: Iterable[Floats]) -> list[Floats]:
    plain = list(arrays)
    if not all(np.isfinite(array).all() for array in plain):
        raise ModelError("The detector returned values that are not numbers; nothing is drawn.")
    return plain
