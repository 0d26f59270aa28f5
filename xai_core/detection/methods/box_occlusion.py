"""Occlusion of a box: what happens to it when a patch of the picture is hidden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np

from xai_core.detection.method import DetectionMethod, Explained, LeastIoU, detection_method
from xai_core.detection.model import DetectionModel
from xai_core.detection.nearest_boxes import FLOOR, Falls, NearestBoxes
from xai_core.detection.pictures import LONGEST_MAP, map_size, within
from xai_core.detection.targets import check_chosen
from xai_core.detector import BoxTarget, Detections
from xai_core.errors import ParamError
from xai_core.families.baselines import baseline_picture
from xai_core.families.patches import Fill, Lattice, hidden
from xai_core.method import BatchSize, Guide
from xai_core.params import Range, Size
from xai_core.types import Capability, Estimate, Floats, Indices


@detection_method(
    "box_occlusion",
    title="Occlusion of a box",
    needs=Capability.DETECT,
    source="Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, 2014, arXiv 1311.2901",
    cost="one detection per position of the patch, for any number of boxes",
    guide=Guide(
        answers="How far does the box's score fall, or an edge move, when this part of the picture is hidden?",
        choose="For any detector, and when the answer must be easy to explain: it is an experiment, not a formula.",
        limits="Parts that can replace each other seem unimportant, and a hidden patch is itself unusual to the model. "
        "A box smaller than the patch may simply be detected again as a blot of that size.",
    ),
)
class OcclusionOfABox(DetectionMethod):
    """Hide one patch of the picture after another and measure how far the box falls or moves."""

    patch: Annotated[
        int, Range(2, 50, unit="%"), "Side of the square that hides a part, as a share of the picture's shorter side."
    ] = 16
    stride: Annotated[
        int,
        Range(1, 50, unit="%"),
        "How far the patch moves, as a share of the shorter side; smaller is slower and finer.",
    ] = 8
    fill: Fill = "grey"
    aspect: Explained = "score"
    least_iou: LeastIoU = 0.5
    batch_size: BatchSize = 8

    def check(self) -> None:
        if self.stride > self.patch:
            raise ParamError(
                f"Stride must not exceed the patch, or pixels between two patches are never hidden; "
                f"got a stride of {self.stride}% and a patch of {self.patch}%."
            )

    def detections(self, size: Size) -> int:
        return 1 + len(self._lattice(within(size, LONGEST_MAP), 1).visits)

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        lattice = self._lattice(map_size(image), len(targets))
        boxes = self._boxes(model, image, targets, lattice)
        falls = Falls(boxes.detected(0, 1)[0], targets, self.aspect, self.least_iou)
        end = 1 + len(lattice.visits)
        for start, stop, worth_a_preview in boxes.batches(1, end, self.batch_size):
            lattice.enter(start - 1, falls.of(boxes.detected(start, stop)))
            if worth_a_preview:
                yield Estimate(stop / end, lattice.maps(), notes=falls.notes)

    def _lattice(self, size: Size, targets: int) -> Lattice:
        patch, stride = (max(1, round(min(size) * share / 100)) for share in (self.patch, self.stride))
        return Lattice(size, patch, stride, targets)

    def _boxes(
        self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget], lattice: Lattice
    ) -> NearestBoxes:
        fill = baseline_picture(self.fill, image)

        def find(first: int, last: int) -> list[Detections]:
            """Detect in the unchanged picture (change 0) and behind each patch."""
            squares = in_pixels(lattice.squares(max(first - 1, 0), last - 1), map_size(image), image.shape[:2])
            return model.detect(np.concatenate([image[None][first:], hidden(image, fill, squares)]), FLOOR)

        settings = {"patch": self.patch, "stride": self.stride, "fill": self.fill}
        return NearestBoxes(model, image, targets, find, method=self.id, **settings)


def in_pixels(squares: Indices, size: Size, image_size: tuple[int, ...]) -> Indices:
    """Return squares (n, 4) of a map as rows and columns of the image that it covers."""
    scale = [new / old for new, old in zip(image_size, size, strict=True)]
    return np.asarray(np.rint(squares * np.array([*scale, *scale])), np.int64)
