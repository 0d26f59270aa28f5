"""What an object detector is and what it returns.

Images are (N, H, W, 3) float32 RGB in [0, 1] of any size; boxes are left, top, right, bottom in pixels of the image.
Classes are counted from 0, without the background.
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
Places = Mapping[int, Flags]  # for each level, by its number on the card: flags (h, w) over the image
Aspect = Literal["score", "class", "IoU", "left", "right", "top", "bottom", "width", "height"]


@dataclass(frozen=True, eq=False)
class Detections:
    """The boxes detected in one image, best first.

    corners: (n, 4). labels: (n,) int64. scores: (n,) in 0..1. class_scores: (n, K) in 0..1, the probability of every
    class for each box; if the model gives the best class only, that class has the box's score and the rest are zero.
    objectness: (n,) in 0..1, how sure the model is that there is an object at all; ones if it does not say.
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
        """Return no boxes, for a model with `classes` classes."""
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
        """Return detections sorted by score; `classes` is their number if there are no class scores."""
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
        """Return the selected boxes, by a mask (n,) or by indices."""
        return Detections(
            self.corners[which],
            self.labels[which],
            self.scores[which],
            self.class_scores[which],
            self.objectness[which],
        )


@dataclass(frozen=True)
class BoxTarget:
    """The box to explain: its corners in pixels of the image, its class, its score, and its scores for all classes."""

    corners: Corners
    label: int
    score: float
    class_scores: tuple[float, ...]

    @classmethod
    def of(cls, boxes: Detections, number: int) -> BoxTarget:
        """Return a detected box as a target, by its index."""
        left, top, right, bottom = (float(side) for side in boxes.corners[number])
        row = tuple(float(score) for score in boxes.class_scores[number])
        return cls((left, top, right, bottom), int(boxes.labels[number]), float(boxes.scores[number]), row)

    @cached_property
    def array(self) -> Floats:
        """The corners (1, 4)."""
        return np.array([self.corners], np.float32)


class Detector(ABC):
    """An object detector in its framework; an adapter implements this class.

    Only `detect` is required; the card's capabilities say what else is available. Every call leaves the weights
    unchanged, even if it raises. `key` distinguishes a variant, made by `at`, from the original.
    """

    card: Card
    key: str = ""

    @abstractmethod
    def detect(self, images: Floats, floor: float) -> list[Detections]:
        """Return the boxes in each of the images (N, H, W, 3) with a score of at least `floor`.

        The model's own suppression of overlapping boxes is applied. The model's own minimum score overrides a lower
        `floor` only if it cannot be changed.
        """

    def pyramid(self, image: Floats, levels: Sequence[str]) -> list[Floats]:
        """Return the feature maps (h, w, K) of an image (H, W, 3) at these levels of `card.layers`.

        The detector's padding is cut off, so that a map covers exactly the image. Needs ACTIVATIONS.
        """
        raise self._lacks("feature maps")

    def box_gradients(
        self, image: Floats, target: BoxTarget, aspect: Aspect, levels: Sequence[str]
    ) -> tuple[float, list[Floats]]:
        """Return an aspect of the box nearest to the target, and its gradient (h, w, K) at these levels.

        For "score" and "class" the aspect is the box's logit of the target's class; for "IoU" the overlap with the
        target; otherwise the edge, width or height in pixels. Padding is cut off as in `pyramid`. Needs ACTIVATIONS
        and GRADIENT.
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
        """Return the detections with one channel of one level set to `value`, for each of `channels` (n, 2).

        channels: the index of the level in `card.layers` and the index of the channel. places: where the channels of
        each level are set; everywhere by default. Only boxes that may overlap a target are required. Needs ABLATION.
        """
        raise self._lacks("ablation")

    def box_attention(self, image: Floats, target: BoxTarget) -> tuple[Floats, Floats]:
        """Return how the query of the box nearest to the target attends to the image, and the gradient of that.

        Both are (L, heads, h, w): for each layer in order, the attention of each head to each place, and the gradient
        of the logit of the target's class with respect to it. Needs ATTENTION.
        """
        raise self._lacks("attention")

    def at(self, precision: Precision) -> Detector:
        """Return this detector at a precision; itself if only float32 is supported."""
        return self

    def engines(self, height: int, width: int) -> tuple[Engine, ...]:
        """Return the engines that can run `detect` on images of height x width pixels, the native one first.

        The first call for a size measures them, including on the last image of that size, if any.
        """
        return ()

    def _lacks(self, feature: str) -> TypeError:
        return TypeError(f"{type(self).__name__} offers no {feature}.")
