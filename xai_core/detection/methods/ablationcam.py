"""Ablation-CAM of a box: channels of the feature pyramid weighed by what becomes of the box without each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
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
from xai_core.types import Capability, Card, Estimate, Flags, Floats, Indices

AT_ONCE = "everywhere at once"
VALUES = {"zero": 0.0, "very low": -1000.0}  # the second is what pytorch-grad-cam's layer for Faster R-CNN has


@detection_method(
    "ablationcam",
    title="Ablation-CAM of a box",
    needs=Capability.DETECT | Capability.ACTIVATIONS | Capability.ABLATION,
    source="Desai, Ramaswamy, Ablation-CAM, 2020, WACV; on a pyramid and for a box's score, as pytorch-grad-cam has it",
    cost="one pass through the backbone, and for each box and channel two through what follows it; everywhere at once, "
    "one a channel whatever the number of boxes",
    guide=Guide(
        answers="Where are the features without which the box would be lost, less sure, or elsewhere?",
        choose="When an experiment is wanted instead of a slope, and to see what holds an edge in its place.",
        limits="Coarse. Channels that can stand in for each other seem unimportant. Everywhere at once, a channel "
        "counts wherever it is active, so another object of the class lights up as well.",
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
    where: Annotated[
        Literal["in the box and around it", "everywhere at once"],
        "Where a channel is ablated: once in the box and once around it, so that what it does there is told apart, or "
        "in the whole picture as the literature does, which is twice as fast and lights up other objects as well.",
    ] = "in the box and around it"
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
        maps, (found,) = model.pyramid(image, names), model.detect(image[None], FLOOR)
        scene = _Scene(model, image, names, maps, found)
        if self.where == AT_ONCE:
            yield from self._of(scene, targets)
            return
        every, notes = np.zeros((len(targets), *map_size(image)), np.float32), set[str]()
        for number, target in enumerate(targets):
            for one in self._of(scene, [target]):
                every[number], notes = one.maps[0], notes | set(one.notes)
                yield Estimate((number + one.fraction) / len(targets), every.copy(), notes=tuple(sorted(notes)))

    def _of(self, scene: _Scene, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        """Explain targets, all by the same ablations."""
        size = scene.image.shape[:2]
        order = ChannelOrder(scene.maps, targets, size, self.channels)
        falls = Falls(nearest(scene.found, targets), targets, self.aspect, self.least_iou)
        total = _WeightedChannels(*self._turned(scene.maps, targets, size), grid_of(scene.maps, self.grid))
        parts = self._parts(scene, targets)
        for channels, boxes, worth_a_preview in self._asked(scene, targets, order, parts):
            for places, found in zip(parts.values(), boxes, strict=True):
                total.add(channels, falls.of(found) / falls.largest, places)
            if worth_a_preview:
                shown = self._shown(total.maps, map_size(scene.image))
                yield Estimate(total.count / len(order) / len(parts), shown, notes=falls.notes)

    def _parts(self, scene: _Scene, targets: Sequence[BoxTarget]) -> dict[str, list[Flags]]:
        """Return the parts of the picture in which channels are ablated apart: of each level, flags (h, w)."""
        if self.where == AT_ONCE:
            return {"everywhere": [np.ones(map.shape[:2], np.bool_) for map in scene.maps]}
        boxes = [_in_the_box(map, targets[0], scene.image.shape[:2]) for map in scene.maps]
        return {"inside": boxes, "outside": [~box for box in boxes]}

    def _asked(
        self, scene: _Scene, targets: Sequence[BoxTarget], order: ChannelOrder, parts: dict[str, list[Flags]]
    ) -> Iterator[tuple[Indices, list[Floats], bool]]:
        """Yield channels (n, 2), the boxes (n, T, 5) nearest to the targets without each, and whether to show it.

        There is an array of boxes for each of the parts of the picture.
        """
        numbers = _numbers(scene.model.card, scene.names)
        settings = {"method": self.id, "levels": scene.names, "ablation_value": self.ablation_value}

        def find(places: list[Flags], first: int, last: int) -> list[Detections]:
            level, channel = order.channels[first:last].T
            asked = np.stack([numbers[level], channel], axis=1)
            where = None if len(parts) == 1 else dict(zip(numbers.tolist(), places, strict=True))
            return scene.model.without_channels(scene.image, asked, VALUES[self.ablation_value], targets, FLOOR, where)

        boxes = [
            NearestBoxes(scene.model, scene.image, targets, partial(find, places), part=part, **settings)
            for part, places in parts.items()
        ]
        tried = [one.found(0, order.tried) for one in boxes]
        yield order.channels, tried, True
        order.settle(np.abs(Falls(nearest(scene.found, targets), targets, "score", 0.0).of(tried[0])))
        for start, stop, worth_a_preview in boxes[0].batches(order.tried, len(order), self.batch_size):
            yield order.channels[start:stop], [one.found(start, stop) for one in boxes], worth_a_preview

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


@dataclass(frozen=True, eq=False)
class _Scene:
    """A picture (H, W, 3), its pyramid at some levels (h, w, K), and what is found in it."""

    model: DetectionModel
    image: Floats
    names: tuple[str, ...]
    maps: list[Floats]
    found: Detections


def _in_the_box(map: Floats, target: BoxTarget, size: tuple[int, ...]) -> Flags:
    """Return which places (h, w) of a level lie in the target."""
    flags = np.zeros(map.shape[:2], np.bool_)
    flags[inside(target, size, (map.shape[0], map.shape[1]))] = True
    return flags


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

    def add(self, channels: Indices, weights: Floats, places: Sequence[Flags]) -> None:
        """Take channels (n, 2) with their weights (n, T), at those places of their levels (h, w) that are true."""
        for level in np.unique(channels[:, 0]):
            own = channels[:, 0] == level
            numbers = channels[own, 1]
            coarse = weighted(self._levels[level][..., numbers], weights[own].T * self._turns[level][:, numbers])
            coarse = coarse * places[level]
            self.maps = self.maps + resized(coarse, (self.maps.shape[1], self.maps.shape[2]))
        self.count += len(channels)
