"""What an object detector is and what it finds.

Images are (N, H, W, 3) float32 RGB in [0, 1] of any size; boxes are left, top, right, bottom in pixels of the image.
Classes are counted from 0 without the background.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from xai_core.types import Card, Engine, Flags, Floats, Indices, Precision

Corners = tuple[float, float, float, float]
Places = Mapping[int, Flags]  # of levels by their number in the card: (h, w), over the image
Aspect = Literal["score", "class", "IoU", "left", "right", "top", "bottom", "width", "height"]


@dataclass(frozen=True, eq=False)
class Detections:
    """The boxes found in one image, the best first.

    corners: (n, 4). labels: (n,) int64. scores: (n,) in 0..1. class_scores: (n, K) in 0..1, each box's probability of
    every class; where the model tells no more than the best, that is its score and the rest is nought. objectness:
    (n,) in 0..1, how sure the model is that there is anything at all; ones where it does not say.
    """

    corners: Floats
    labels: Indices
    scores: Floats
    class_scores: Floats
    objectness: Floats

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls, classes: int) -> Detections:
        """Return what is found in a picture of nothing."""
        return cls.of(np.empty((0, 4)), np.empty(0), np.empty(0), np.empty((0, classes)))

    @classmethod
    def of(
        cls,
        corners: np.ndarray,
        labels: np.ndarray,
        scores: np.ndarray,
        class_scores: np.ndarray | None = None,
        objectness: np.ndarray | None = None,
        classes: int = 0,
    ) -> Detections:
        """Return detections in order of their scores; without class scores, `classes` says how many there are."""
        order = np.argsort(-np.asarray(scores), kind="stable")
        plain_labels = np.asarray(labels, np.int64)[order]
        plain_scores = np.asarray(scores, np.float32)[order]
        if class_scores is None:
            rows = np.zeros((len(order), classes), np.float32)
            rows[np.arange(len(order)), plain_labels] = plain_scores
        else:
            rows = np.asarray(class_scores, np.float32)[order]
        sure = np.ones(len(order), np.float32) if objectness is None else np.asarray(objectness, np.float32)[order]
        return cls(np.asarray(corners, np.float32).reshape(-1, 4)[order], plain_labels, plain_scores, rows, sure)

    def chosen(self, which: np.ndarray) -> Detections:
        """Return some of them, by a mask (n,) or by numbers."""
        return Detections(
            self.corners[which],
            self.labels[which],
            self.scores[which],
            self.class_scores[which],
            self.objectness[which],
        )


@dataclass(frozen=True)
class BoxTarget:
    """The box that is explained: its corners in pixels of the image, its class, its score, all its class scores."""

    corners: Corners
    label: int
    score: float
    class_scores: tuple[float, ...]

    @classmethod
    def of(cls, found: Detections, number: int) -> BoxTarget:
        """Return one of the boxes that were found."""
        left, top, right, bottom = (float(side) for side in found.corners[number])
        row = tuple(float(score) for score in found.class_scores[number])
        return cls((left, top, right, bottom), int(found.labels[number]), float(found.scores[number]), row)

    @cached_property
    def array(self) -> Floats:
        """The corners (1, 4)."""
        return np.array([self.corners], np.float32)


class Detector(ABC):
    """An object detector as its framework sees it; writing one is writing an adapter.

    Only `detect` must be there; the card's capabilities say what else is. Every call leaves the weights as they were,
    also where it raises. `key` sets a variant, by `at`, apart from the detector that was opened.
    """

    card: Card
    key: str = ""

    @abstractmethod
    def detect(self, images: Floats, floor: float) -> list[Detections]:
        """Return what is found in each of the images (N, H, W, 3), boxes with a score of at least `floor`.

        The model's own suppression of overlapping boxes has been done; its own least score counts where it is higher
        only if it can not be lowered.
        """

    def pyramid(self, image: Floats, levels: Sequence[str]) -> list[Floats]:
        """Return the feature maps (h, w, K) of an image (H, W, 3) at these levels of `card.layers`.

        What the detector pads is cut off, so that a map covers the image. Needs ACTIVATIONS.
        """
        raise self._lacks("feature maps")

    def box_gradients(
        self, image: Floats, target: BoxTarget, aspect: Aspect, levels: Sequence[str]
    ) -> tuple[float, list[Floats]]:
        """Return the aspect of the box that is nearest to the target, and its gradient (h, w, K) at these levels.

        "score" and "class": the box's logit of the target's class; "IoU": with the target's corners; else that edge,
        width or height, in pixels. Padding is cut off as in `pyramid`. Needs ACTIVATIONS and GRADIENT.
        """
        raise self._lacks("gradients")

    def without_channels(
        self,
        image: Floats,
        channels: Indices,
        value: float,
        targets: Sequence[BoxTarget],
        floor: float,
        places: Places | None = None,
    ) -> list[Detections]:
        """Return what is found while one channel of one level is set to `value`, once for each of `channels` (n, 2).

        channels: the level's number in `card.layers`, and the channel's. places: where each level's channels are set,
        by default everywhere. Only boxes that may overlap one of the targets need be found. Needs ABLATION.
        """
        raise self._lacks("ablation")

    def at(self, precision: Precision) -> Detector:
        """Return this detector as it works in a precision; where only float32 is known, itself."""
        return self

    def engines(self, height: int, width: int) -> tuple[Engine, ...]:
        """Return what `detect` may run on for images of height x width pixels; the first is the native engine.

        Tried out when first asked for a size, also on the image of this size that was asked about last, if any.
        """
        return ()

    def _lacks(self, what: str) -> TypeError:
        return TypeError(f"{type(self).__name__} offers no {what}.")
