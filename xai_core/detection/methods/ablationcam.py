"""Ablation-CAM of a box: channels of the feature pyramid weighed by what becomes of the box without each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np

from xai_core.cam import weighted
from xai_core.detection.channel_order import ChannelOrder
from xai_core.detection.levels import Grid, grid_of
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
        "Share of the channels of all levels that is asked about, those that promise most first; less is faster and "
        "less exact.",
    ] = 20.0
    ablation_value: Annotated[
        Literal["zero", "very low"],
        'What a channel is set to: zero, or as the literature does for Faster R-CNN far below all values ("very low", '
        "-1000), which disturbs the work of the other channels too.",
    ] = "zero"
    aspect: Explained = "score"
    least_iou: LeastIoU = 0.5
    levels: Levels = ()
    grid: Grid = "middle"
    signs: Annotated[
        Literal["as in the box", "magnitude", "as they are"],
        "How a channel is added up: turned so that it rises towards its values in the box, by its distance from zero "
        "as the literature does for feature pyramids, or as it is.",
    ] = "as in the box"
    centred: Annotated[
        bool,
        "Measure from the mean of the map, so that channels that are active everywhere show nothing; the literature "
        "stretches its maps to the full range of colours instead.",
    ] = True
    positive_only: ForTheBox = True
    batch_size: BatchSize = 32

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        names = model.levels(self.levels)
        maps = model.pyramid(image, names)
        order = ChannelOrder(maps, targets, image.shape[:2], self.channels)
        (found,) = model.detect(image[None], FLOOR)
        falls = Falls(nearest(found, targets), targets, self.aspect, self.least_iou)
        total = _WeightedChannels(*self._turned(maps, targets, image.shape[:2]), grid_of(maps, self.grid))
        for channels, boxes, worth_a_preview in self._asked(model, image, targets, names, order, found):
            total.add(channels, falls.of(boxes) / falls.largest)
            if worth_a_preview:
                yield Estimate(total.count / len(order), self._shown(total.maps, map_size(image)), notes=falls.notes)

    def _asked(
        self,
        model: DetectionModel,
        image: Floats,
        targets: Sequence[BoxTarget],
        names: tuple[str, ...],
        order: ChannelOrder,
        found: Detections,
    ) -> Iterator[tuple[Indices, Floats, bool]]:
        """Yield channels (n, 2), the boxes (n, T, 5) nearest to the targets without each, and whether to show it."""
        numbers = _numbers(model.card, names)
        settings = {"method": self.id, "levels": names, "ablation_value": self.ablation_value}

        def find(first: int, last: int) -> list[Detections]:
            level, channel = order.channels[first:last].T
            asked = np.stack([numbers[level], channel], axis=1)
            return model.without_channels(image, asked, VALUES[self.ablation_value], targets, FLOOR)

        boxes = NearestBoxes(model, image, targets, find, **settings)
        tried = boxes.found(0, order.tried)
        yield order.channels, tried, True
        order.settle(np.abs(Falls(nearest(found, targets), targets, "score", 0.0).of(tried)))
        for start, stop, worth_a_preview in boxes.batches(order.tried, len(order), self.batch_size):
            yield order.channels[start:stop], boxes.found(start, stop), worth_a_preview

    def _turned(
        self, maps: Sequence[Floats], targets: Sequence[BoxTarget], size: tuple[int, ...]
    ) -> tuple[Sequence[Floats], list[Floats]]:
        """Return the levels that are added up, and how each channel is turned for each target (T, K)."""
        if self.signs == "as in the box":
            return maps, [_sides(map, targets, size) for map in maps]
        plain = [np.ones((len(targets), map.shape[-1]), np.float32) for map in maps]
        return [np.abs(map) for map in maps] if self.signs == "magnitude" else maps, plain

    def _shown(self, maps: Floats, size: Size) -> Floats:
        """Return maps (T, h, w) of the grid as they are shown, at the size of the picture's maps."""
        if self.centred:
            maps = maps - maps.mean(axis=(1, 2), keepdims=True)
        return resized(np.maximum(maps, 0) if self.positive_only else maps, size)


def _numbers(card: Card, names: Sequence[str]) -> Indices:
    """Return where each of some levels stands in the card."""
    known = [layer.name for layer in card.layers]
    return np.array([known.index(name) for name in names], np.int64)


def _sides(map: Floats, targets: Sequence[BoxTarget], size: tuple[int, ...]) -> Floats:
    """Return 1 where a channel of a level (h, w, K) is higher inside a target than on average, -1 elsewhere: (T, K)."""
    places = [inside(target, size, (map.shape[0], map.shape[1])) for target in targets]
    rises = np.stack([map[place].mean(axis=(0, 1)) for place in places]) >= map.mean(axis=(0, 1))
    return np.where(rises, np.float32(1), np.float32(-1))


class _WeightedChannels:
    """The sum of channels times their weights on one grid, added up level by level so that it stays small.

    turns: of each level, what the weights of its channels are multiplied by (T, K). maps: (T, H, W) so far. count: of
    the channels in it.
    """

    def __init__(self, levels: Sequence[Floats], turns: Sequence[Floats], size: Size) -> None:
        self._levels, self._turns = levels, turns
        self.maps, self.count = np.zeros((len(turns[0]), *size), np.float32), 0

    def add(self, channels: Indices, weights: Floats) -> None:
        """Take channels (n, 2) with their weights (n, T)."""
        for level in np.unique(channels[:, 0]):
            own = channels[:, 0] == level
            numbers = channels[own, 1]
            coarse = weighted(self._levels[level][..., numbers], weights[own].T * self._turns[level][:, numbers])
            self.maps = self.maps + resized(coarse, (self.maps.shape[1], self.maps.shape[2]))
        self.count += len(channels)
