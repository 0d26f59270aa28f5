"""Ablation-CAM of a box: channels of the feature pyramid weighted by what happens to the box without each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from xai_core.detection.channel_order import ChannelOrder
from xai_core.detection.levels import Grid, grid_of
from xai_core.detection.method import DetectionMethod, Explained, ForTheBox, LeastIoU, Levels, detection_method
from xai_core.detection.model import DetectionModel
from xai_core.detection.nearest_boxes import FLOOR, Falls, NearestBoxes
from xai_core.detection.parts import Part, Signs, WeightedChannels, apart, whole
from xai_core.detection.pictures import map_size
from xai_core.detection.targets import check_chosen, nearest
from xai_core.detector import BoxTarget, Detections
from xai_core.method import BatchSize, Guide
from xai_core.params import Range, Size
from xai_core.pictures.resampling import resized
from xai_core.types import Capability, Card, Estimate, Floats, Indices

AT_ONCE = "everywhere at once"
VALUES = {"zero": 0.0, "very low": -1000.0}  # the second is what pytorch-grad-cam's layer for Faster R-CNN has


@detection_method(
    "ablationcam",
    title="Ablation-CAM of a box",
    needs=Capability.DETECT | Capability.ACTIVATIONS | Capability.ABLATION,
    source="Desai, Ramaswamy, Ablation-CAM, 2020, WACV; on a pyramid and for a box's score, as pytorch-grad-cam has it",
    cost="one pass through the backbone, and two through the rest for each box and channel; everywhere at once, one "
    "per channel for any number of boxes",
    guide=Guide(
        answers="Without which features would the box be lost, less certain, or elsewhere?",
        choose="When you want an experiment instead of a slope, or want to see what holds an edge in place.",
        limits="Coarse. Channels that can replace each other seem unimportant. Everywhere at once, a channel "
        "counts wherever it is active, so another object of the class lights up as well.",
    ),
)
class AblationCamOfABox(DetectionMethod):
    """Weight each channel of the feature pyramid by how far the box falls or moves without it."""

    channels: Annotated[
        float,
        Range(1, 100, 1, "%"),
        "Share of the channels of all levels to ablate, most promising first; fewer are faster and less exact.",
    ] = 20.0
    ablation_value: Annotated[
        Literal["zero", "very low"],
        'Value of an ablated channel: zero, or, as in the literature on Faster R-CNN, far below all values ("very '
        'low", -1000), which also disturbs the other channels.',
    ] = "zero"
    where: Annotated[
        Literal["in the box and around it", "everywhere at once"],
        "Where a channel is ablated: once in the box and once around it, which separates its effects, or in the whole "
        "picture as in the literature, which is twice as fast but lights up other objects as well.",
    ] = "in the box and around it"
    aspect: Explained = "score"
    least_iou: LeastIoU = 0.5
    levels: Levels = ()
    grid: Grid = "middle"
    signs: Annotated[
        Signs,
        "How channels add up: by their distance from zero, as in the literature on feature pyramids; turned so that "
        "each rises towards its values where it counts, in the box or around it; or as they are.",
    ] = "magnitude"
    centred: Annotated[
        bool,
        "Measure from the mean of the map, so that channels active everywhere show nothing; the literature stretches "
        "its maps over the full range of colours instead.",
    ] = True
    positive_only: ForTheBox = True
    batch_size: BatchSize = 32

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        names = model.levels(self.levels)
        maps, (boxes,) = model.pyramid(image, names), model.detect(image[None], FLOOR)
        seen = _Seen(model, image, names, maps, boxes)
        if self.where == AT_ONCE:
            yield from self._of(seen, targets)
            return
        every, notes = np.zeros((len(targets), *map_size(image)), np.float32), set[str]()
        for number, target in enumerate(targets):
            for estimate in self._of(seen, [target]):
                every[number], notes = estimate.maps[0], notes | set(estimate.notes)
                yield Estimate((number + estimate.fraction) / len(targets), every.copy(), notes=tuple(sorted(notes)))

    def _of(self, seen: _Seen, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        """Explain several targets by the same ablations."""
        order = ChannelOrder(seen.maps, targets, seen.size, self.channels)
        falls = Falls(nearest(seen.boxes, targets), targets, self.aspect, self.least_iou)
        total = WeightedChannels(seen.maps, self.signs, len(targets), grid_of(seen.maps, self.grid))
        once = self.where == AT_ONCE
        parts = [whole(seen.maps, targets, seen.size)] if once else apart(seen.maps, targets[0], seen.size)
        for channels, after_ablation, worth_a_preview in self._ablations(seen, targets, order, parts):
            for part, rows in zip(parts, after_ablation, strict=True):
                total.add(channels, falls.of(rows) / falls.largest, part)
            if worth_a_preview:
                shown = self._shown(total.maps, map_size(seen.image))
                yield Estimate(total.count / len(order) / len(parts), shown, notes=falls.notes)

    def _ablations(
        self, seen: _Seen, targets: Sequence[BoxTarget], order: ChannelOrder, parts: Sequence[Part]
    ) -> Iterator[tuple[Indices, list[Floats], bool]]:
        """Yield channels (n, 2), the boxes nearest to the targets without each, and whether to show what follows.

        The boxes are (n, T, 5) for each of the parts of the picture.
        """
        settings = {"method": self.id, "levels": seen.names, "ablation_value": self.ablation_value}
        boxes = [
            NearestBoxes(
                seen.model, seen.image, targets, self._find(seen, targets, order, part), part=part.name, **settings
            )
            for part in parts
        ]
        tried = [part_boxes.detected(0, order.tried) for part_boxes in boxes]
        yield order.channels, tried, True
        order.settle(np.abs(Falls(nearest(seen.boxes, targets), targets, "score", 0.0).of(tried[0])))
        for start, stop, worth_a_preview in boxes[0].batches(order.tried, len(order), self.batch_size):
            yield (
                order.channels[start:stop],
                [part_boxes.detected(start, stop) for part_boxes in boxes],
                worth_a_preview,
            )

    def _find(
        self, seen: _Seen, targets: Sequence[BoxTarget], order: ChannelOrder, part: Part
    ) -> Callable[[int, int], list[Detections]]:
        """Return a function that ablates a range of channels in one part of the picture."""
        numbers = _numbers(seen.model.card, seen.names)
        places = None if self.where == AT_ONCE else dict(zip(numbers.tolist(), part.places, strict=True))

        def find(first: int, last: int) -> list[Detections]:
            level, channel = order.channels[first:last].T
            ablated = np.stack([numbers[level], channel], axis=1)
            return seen.model.without_channels(seen.image, ablated, VALUES[self.ablation_value], targets, FLOOR, places)

        return find

    def _shown(self, maps: Floats, size: Size) -> Floats:
        """Return maps (T, h, w) of the grid at the size of the picture's maps."""
        if self.centred:
            maps = maps - maps.mean(axis=(1, 2), keepdims=True)
        return resized(np.maximum(maps, 0) if self.positive_only else maps, size)


@dataclass(frozen=True, eq=False)
class _Seen:
    """A picture (H, W, 3), its pyramid at some levels (h, w, K), and its detections."""

    model: DetectionModel
    image: Floats
    names: tuple[str, ...]
    maps: list[Floats]
    boxes: Detections

    @property
    def size(self) -> Size:
        return self.image.shape[0], self.image.shape[1]


def _numbers(card: Card, names: Sequence[str]) -> Indices:
    """Return the position of each of some levels in the card."""
    known = [layer.name for layer in card.layers]
    return np.array([known.index(name) for name in names], np.int64)
