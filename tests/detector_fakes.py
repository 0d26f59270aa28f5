"""Detectors small enough that every expected number can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType

import numpy as np

from xai_core.detection.model import DetectionModel
from xai_core.detector import Aspect, BoxTarget, Detections, Detector, Places
from xai_core.model import Memory
from xai_core.types import Capability, Card, Flags, Floats, Indices, InputSpec, Layer

SIDE = 32
PLACES = np.array([[4, 4, 12, 12], [18, 16, 30, 28]], np.float32)  # left, top, right, bottom
EVERYTHING = (
    Capability.DETECT | Capability.ACTIVATIONS | Capability.GRADIENT | Capability.ABLATION | Capability.ATTENTION
)


class SpotDetector(Detector):
    """Finds a box of class 0 at one place and one of class 1 at another, each as sure as its place is bright.

    Its two levels are the image's red channel on a grid of 8 x 8 and 4 x 4 places, and its green one. A box's score and
    objectness are the mean of the red channel of the finest level inside it; nothing else counts. asked: the number of
    images of each pass.
    """

    def __init__(self, capabilities: Capability = EVERYTHING) -> None:
        layers = (Layer("fine", 8, 8, 2), Layer("coarse", 4, 4, 2))
        self.card = Card("pytorch", "a fake", 2, InputSpec(None, None), capabilities, layers=layers)
        self.asked: list[int] = []

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        self.asked.append(len(images))
        return [self._found(self._maps(image)[0], floor, image.shape[0]) for image in images]

    def pyramid(self, image: Floats, levels: Sequence[str]) -> list[Floats]:
        maps = dict(zip(("fine", "coarse"), self._maps(image), strict=True))
        return [maps[name] for name in levels]

    def box_gradients(
        self, image: Floats, target: BoxTarget, aspect: Aspect, levels: Sequence[str]
    ) -> tuple[float, list[Floats]]:
        fine, coarse = (np.zeros_like(one) for one in self._maps(image))
        rows, columns = self._cells(target.label)
        fine[rows, columns, 0] = 1 / fine[rows, columns, 0].size
        made = {"fine": fine, "coarse": coarse}
        return target.score, [made[name] for name in levels]

    def box_attention(self, image: Floats, target: BoxTarget) -> tuple[Floats, Floats]:
        """Two layers of two heads: both attend to the box, but only the first head of the last layer raises it."""
        weights, gradients = np.full((2, 2, 8, 8), 0.01, np.float32), np.zeros((2, 2, 8, 8), np.float32)
        weights[:, :, *self._cells(target.label)] = [[[[0.1]], [[0.2]]], [[[0.3]], [[0.4]]]]
        gradients[1, 0], gradients[1, 1] = 2, -1
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
        self.asked.append(len(channels))
        found = []
        for level, channel in channels:
            maps = self._maps(image)
            maps[level][... if places is None else places[level], channel] = value
            found.append(self._found(maps[0], floor, image.shape[0]))
        return found

    def _maps(self, image: Floats) -> list[Floats]:
        step = image.shape[0] // 8
        fine = image[step // 2 :: step, step // 2 :: step, :2][:8, :8].copy()
        return [fine, fine[::2, ::2].copy()]

    def _found(self, fine: Floats, floor: float, side: int) -> Detections:
        scores = np.array([np.clip(fine[*self._cells(label), 0].mean(), 0, 1) for label in (0, 1)], np.float32)
        rows = np.diag(scores).astype(np.float32)
        whole = Detections.of(PLACES * side / SIDE, np.arange(2), scores, rows, objectness=scores)
        return whole.chosen(whole.scores >= floor)

    def _cells(self, label: int) -> tuple[slice, slice]:
        left, top, right, bottom = (PLACES[label] / 4).astype(int)
        return slice(top, bottom), slice(left, right)


class ChannelDetector(Detector):
    """Finds the two boxes by weighted means of channels that are the same for every picture.

    features: maps (h, w, K) of the levels "fine" (8 x 8) and "coarse" (4 x 4). weights: of each level, (2, K): the
    score of a box is the sum over all channels of weight times mean inside the box. pull: of each level, (K,): by how
    many pixels the mean of a channel inside a box moves its left edge. Channels are set in place and put back.
    """

    def __init__(self, features: Sequence[Floats], weights: Sequence[Floats], pull: Sequence[Floats]) -> None:
        self.features, self.weights, self.pull = list(features), weights, pull
        layers = tuple(
            Layer(name, *feature_map.shape) for name, feature_map in zip(("fine", "coarse"), self.features, strict=True)
        )
        self.card = Card("pytorch", "a fake", 2, InputSpec(None, None), EVERYTHING, layers=layers)
        self.asked: list[int] = []

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        return [self._found(floor) for _ in images]

    def pyramid(self, image: Floats, levels: Sequence[str]) -> list[Floats]:
        maps = dict(zip(("fine", "coarse"), self.features, strict=True))
        return [maps[name] for name in levels]

    def box_gradients(
        self, image: Floats, target: BoxTarget, aspect: Aspect, levels: Sequence[str]
    ) -> tuple[float, list[Floats]]:
        made = {}
        rows = self.pull if aspect == "left" else [weights[target.label] for weights in self.weights]
        for name, feature_map, row in zip(("fine", "coarse"), self.features, rows, strict=True):
            made[name] = np.zeros_like(feature_map)
            cells = _cells(target.label, feature_map)
            made[name][cells] = row / feature_map[cells][..., 0].size
        return target.score, [made[name] for name in levels]

    def without_channels(
        self,
        image: Floats,
        channels: Indices,
        value: float,
        targets: Sequence[BoxTarget],
        floor: float,
        places: Places | None = None,
    ) -> list[Detections]:
        self.asked.append(len(channels))
        return [
            self._without(level, channel, value, floor, ... if places is None else places[level])
            for level, channel in channels
        ]

    def _without(
        self, level: int, channel: int, value: float, floor: float, places: EllipsisType | Flags
    ) -> Detections:
        kept = self.features[level][..., channel].copy()
        try:
            self.features[level][places, channel] = value
            return self._found(floor)
        finally:
            self.features[level][..., channel] = kept

    def means(self, label: int) -> list[Floats]:
        """Return the mean of each channel inside a box, level by level."""
        return [feature_map[_cells(label, feature_map)].mean(axis=(0, 1)) for feature_map in self.features]

    def _found(self, floor: float) -> Detections:
        means = [self.means(label) for label in (0, 1)]
        scores = [sum(w[label] @ m for w, m in zip(self.weights, means[label], strict=True)) for label in (0, 1)]
        corners = PLACES.copy()
        corners[:, 0] += [sum(p @ m for p, m in zip(self.pull, own, strict=True)) for own in means]
        clipped = np.clip(scores, 0, 1).astype(np.float32)
        whole = Detections.of(corners, np.arange(2), clipped, np.diag(clipped))
        return whole.chosen(whole.scores >= floor)


def channel_detector(seed: int = 0) -> ChannelDetector:
    """Return a detector with 6 and 4 channels, all of some worth to both boxes, which get scores near 0.5."""
    random = np.random.default_rng(seed)
    features = [random.random((side, side, count), np.float32) for side, count in ((8, 6), (4, 4))]
    weights = [(random.random((2, count), np.float32) * 0.2).astype(np.float32) for count in (6, 4)]
    return ChannelDetector(features, weights, [np.zeros(6, np.float32), np.zeros(4, np.float32)])


def _cells(label: int, feature_map: Floats) -> tuple[slice, slice]:
    """Return the places of a map over the whole picture that lie in a box."""
    left, top, right, bottom = PLACES[label] * len(feature_map) / SIDE
    return slice(int(top), int(np.ceil(bottom))), slice(int(left), int(np.ceil(right)))


def spots(first: float = 0.9, second: float = 0.6) -> Floats:
    """Return an image (32, 32, 3) with the two places lit."""
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    for (left, top, right, bottom), light in zip(PLACES.astype(int), (first, second), strict=True):
        image[top:bottom, left:right] = light
    return image


def detection_model(memory: Memory | None = None, capabilities: Capability = EVERYTHING) -> DetectionModel:
    return DetectionModel(SpotDetector(capabilities), memory)


def targets_of(image: Floats, detector: Detector | None = None) -> list[BoxTarget]:
    """Return what a detector finds in an image, as targets."""
    (found,) = (detector or SpotDetector()).detect(image[None], 0.05)
    return [BoxTarget.of(found, number) for number in range(len(found))]
