"""The detector as methods see it: images in, boxes and feature maps out."""

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

    Every result must be finite, otherwise ModelError. A batch that needs too much memory is halved until it fits, and
    `notes` says so. tick: called after each pass.
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
        """What users should know about the run so far, as sentences."""
        return self._batches.notes

    def take_at_most(self, count: int) -> None:
        """Limit batches to `count` pictures or channels from now on; `notes` says so."""
        self._batches.take_at_most(count)

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        """Return the boxes in each image with a score of at least `floor`."""
        batches = self._batches.run(lambda batch: self._detector.detect(batch, floor), images)
        return [_finite(boxes) for boxes in chain.from_iterable(batches)]

    def levels(self, chosen: Sequence[str]) -> tuple[str, ...]:
        """Return the chosen levels of the pyramid, or all of them if none is chosen."""
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

    def box_attention(self, image: Floats, target: BoxTarget) -> tuple[Floats, Floats]:
        """Return the attention (L, heads, h, w) of the box nearest to the target, and the gradient of its score."""
        weights, gradients = self._detector.box_attention(image, target)
        self._tick()
        _all_finite([weights, gradients])
        return weights, gradients

    def without_channels(
        self,
        image: Floats,
        channels: Indices,
        value: float,
        targets: Sequence[BoxTarget],
        floor: float,
        places: Places | None = None,
    ) -> list[Detections]:
        """Return the boxes near the targets with one channel set to `value`, for each of `channels` (n, 2).

        places: where the channel is set; everywhere by default.
        """

        def one_batch(batch: Indices) -> list[Detections]:
            return self._detector.without_channels(image, batch, value, targets, floor, places)

        return [_finite(boxes) for boxes in chain.from_iterable(self._batches.run(one_batch, channels))]

    def ledger(self, key: str, width: int) -> Ledger:
        """Return the stored rows (n, width) of earlier runs with the same `key`."""
        return self._memory.ledger(f"{self._detector.key} {key}", width)


def _finite(boxes: Detections) -> Detections:
    _all_finite([boxes.corners, boxes.scores, boxes.class_scores, boxes.objectness])
    return boxes


def _all_finite(arrays: Iterable[Floats]) -> list[Floats]:
    plain = list(arrays)
    if not all(np.isfinite(array).all() for array in plain):
        raise ModelError(
            "The detector returned values that are not numbers; nothing can be drawn. Try a different picture."
        )
    return plain
