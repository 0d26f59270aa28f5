"""Ablation-CAM of a box: channels of the feature pyramid weighed by what becomes of the box without each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np

from xai_core.cam import weighted
from xai_core.detection.levels import Grid, Magnitudes, grid_of
from xai_core.detection.method import DetectionMethod, Explained, ForTheBox, LeastIoU, Levels, detection_method
from xai_core.detection.model import DetectionModel
from xai_core.detection.nearest_boxes import FLOOR, Falls, NearestBoxes
from xai_core.detection.pictures import map_size
from xai_core.detection.targets import check_chosen, inside, nearest
from xai_core.detector import BoxTarget, Detections
from xai_core.method import BatchSize, Guide
from xai_core.params import Range, Size
from xai_core.resampling import resized
from xai_core.types import Capability, Card, Estimate, Floats, Indices

VALUES = {"zero": 0.0, "very low": -1000.0}  # the second is what pytorch-grad-cam's layer for Faster R-CNN has


@detection_method(
    "ablationcam",
    title="Ablation-CAM of a box",
    needs=Capability.DETECT | Capability.ACTIVATIONS | Capability.ABLATION,
    source="Desai, Ramaswamy, Ablation-CAM, 2020, WACV; on a pyramid and for a box's score, as pytorch-grad-cam has it",
    cost="one pass through the backbone, and one through what follows it a channel, whatever the number of boxes",
    guide=Guide(
        answers="Where are the features without which the box would be lost, less sure, or elsewhere?",
        choose="When an experiment is wanted instead of a slope, and to see what holds an edge in its place.",
        limits="Coarse. A channel counts wherever it is active, so another object of the class lights up as well. "
        "Channels that can stand in for each other seem unimportant.",
    ),
)
class AblationCamOfABox(DetectionMethod):
    """Weigh each channel of the feature pyramid by how far the box falls or moves without it."""

    channels: Annotated[
        float,
        Range(1, 100, 1, "%"),
        "Share of the channels of all levels that is asked about, those most active in the box first; less is faster "
        "and less exact.",
    ] = 20.0
    ablation_value: Annotated[
        Literal["zero", "very low"],
        'What a channel is set to: zero, or as the literature does for Faster R-CNN far below all values ("very low", '
        "-1000), which disturbs the work of the other channels too.",
    ] = "zero"
    aspect: Explained = "score"
    least_iou: LeastIoU = 0.5
    levels: Levels = ()
    grid: Grid = "coarsest"
    magnitudes: Magnitudes = True
    positive_only: ForTheBox = True
    batch_size: BatchSize = 32

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        names = model.levels(self.levels)
        maps = model.pyramid(image, names)
        order = most_active(maps, targets, image.shape[:2], self.channels)
        (found,) = model.detect(image[None], FLOOR)
        falls = Falls(nearest(found, targets), targets, self.aspect, self.least_iou)
        boxes = self._boxes(model, image, targets, names, order)
        total = _WeightedChannels(
            [np.abs(map) for map in maps] if self.magnitudes else maps, grid_of(maps, self.grid), len(targets)
        )
        for start, stop, worth_a_preview in boxes.batches(0, len(order), self.batch_size):
            total.add(order[start:stop], falls.of(boxes.found(start, stop)) / falls.largest)
            if worth_a_preview:
                maps_so_far = np.maximum(total.maps, 0) if self.positive_only else total.maps
                yield Estimate(stop / len(order), resized(maps_so_far, map_size(image)), notes=falls.notes)

    def _boxes(
        self,
        model: DetectionModel,
        image: Floats,
        targets: Sequence[BoxTarget],
        names: tuple[str, ...],
        order: Indices,
    ) -> NearestBoxes:
        channels = np.stack([_numbers(model.card, names)[order[:, 0]], order[:, 1]], axis=1)

        def find(first: int, last: int) -> list[Detections]:
            return model.without_channels(image, channels[first:last], VALUES[self.ablation_value], targets, FLOOR)

        return NearestBoxes(
            model, image, targets, find, method=self.id, levels=names, ablation_value=self.ablation_value
        )


def most_active(maps: Sequence[Floats], targets: Sequence[BoxTarget], size: tuple[int, ...], percent: float) -> Indices:
    """Return a share of the channels of some levels (h, w, K), the most active inside the targets first.

    size: of the image whose pixels the targets are in. A channel is (n, 2): the level's position and its own number.
    There are exactly the next whole number of them; with several targets each one's favourites come early.
    """
    strengths = np.concatenate([_strengths(map, targets, size) for map in maps], axis=1)
    peaks = strengths.max(axis=1, keepdims=True)
    ranked = np.argsort(-(strengths / np.where(peaks > 0, peaks, 1)).max(axis=0), kind="stable")
    count = math.ceil(round(len(ranked) * percent / 100, 9))
    numbers = np.concatenate([np.stack(_every_channel(level, map), axis=1) for level, map in enumerate(maps)])
    return np.asarray(numbers[ranked[:count]], np.int64)


def _strengths(map: Floats, targets: Sequence[BoxTarget], size: tuple[int, ...]) -> Floats:
    """Return the mean magnitude (T, K) of each channel of a level (h, w, K) inside each target."""
    places = [inside(target, size, (map.shape[0], map.shape[1])) for target in targets]
    return np.stack([np.abs(map[place]).mean(axis=(0, 1)) for place in places])


def _every_channel(level: int, map: Floats) -> tuple[Indices, Indices]:
    numbers = np.arange(map.shape[-1])
    return np.full_like(numbers, level), numbers


def _numbers(card: Card, names: Sequence[str]) -> Indices:
    """Return where each of some levels stands in the card."""
    known = [layer.name for layer in card.layers]
    return np.array([known.index(name) for name in names], np.int64)


class _WeightedChannels:
    """The sum of channels times their weights on one grid, added up level by level so that it stays small."""

    def __init__(self, maps: Sequence[Floats], size: Size, targets: int) -> None:
        self._levels = maps
        self.maps = np.zeros((targets, *size), np.float32)

    def add(self, channels: Indices, weights: Floats) -> None:
        """Take channels (n, 2) with their weights (n, T)."""
        for level in np.unique(channels[:, 0]):
            own = channels[:, 0] == level
            coarse = weighted(self._levels[level][..., channels[own, 1]], weights[own].T)
            self.maps = self.maps + resized(coarse, (self.maps.shape[1], self.maps.shape[2]))
