"""The explanation of boxes as files, with everything needed to reproduce it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.detection.honesty import box_warnings
from xai_core.detection.method import DetectionMethod
from xai_core.detection.pictures import image_of, outlined, shrunk
from xai_core.detection.shown import box_entry
from xai_core.detection.targets import renormalised
from xai_core.detector import BoxTarget
from xai_core.pictures.overlays import overlay
from xai_core.report import Report, json_bytes
from xai_core.trust.honesty import Finding
from xai_core.types import Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class BoxExplanation(Report):
    """The explanation of a detector's boxes in one picture.

    targets: the explained boxes, in pixels of the detector's input (`shrunk`). numbers: the number of each among all
    detected boxes, from 1; by default the order of the targets. inside: whether each map is zero outside its box and
    scaled to 0..1 inside; the standard error still refers to the whole map.
    """

    method: DetectionMethod
    targets: tuple[BoxTarget, ...]
    numbers: tuple[int, ...] = ()
    inside: bool = False

    @cached_property
    def seen(self) -> NDArray[np.uint8]:
        """The picture (H, W, 3) as the detector sees it."""
        return shrunk(self.picture.pixels)

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """The explained boxes as plain JSON values, in pixels of the original picture."""
        sizes = self.seen.shape[:2], self.picture.pixels.shape[:2]
        named = zip(self.target_numbers(), self.targets, strict=True)
        return [box_entry(number, target, self.labels, *sizes) for number, target in named]

    def placed(self, maps: Floats) -> Floats:
        """Return the maps, restricted to their boxes if `inside` is set."""
        return renormalised(maps, self.targets, self.seen.shape[:2]) if self.inside else maps

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What readers should know before reading the maps, as sentences."""
        height, width = self.picture.pixels.shape[:2]
        named = zip(self.target_numbers(), self.targets, strict=True)
        finding = Finding(
            method=self.method,
            card=self.card,
            estimate=self.estimate,
            image=image_of(self.seen),
            picture_size=(height, width),
            probabilities=np.array([target.score for target in self.targets], np.float32),
            targets=np.arange(len(self.targets)),
            names=tuple(f"box {number} ({self.labels[target.label]})" for number, target in named),
        )
        return box_warnings(finding, self.targets)

    def files(self) -> dict[str, bytes]:
        """Return the files of any report, plus boxes.json with the explained boxes."""
        return super().files() | {"boxes.json": json_bytes(self.entries)}

    def question_and_answer(self) -> dict[str, Any]:
        """Return the explained boxes."""
        return {"targets": self.entries, "inside": self.inside}

    def target_numbers(self) -> Sequence[int]:
        """Return the number of each box, from 1."""
        return self.numbers or tuple(range(1, len(self.targets) + 1))

    def photo(self) -> NDArray[np.uint8]:
        """Return the picture as the detector got it."""
        return self.seen

    def overlay(self, position: int) -> NDArray[np.uint8]:
        """Return the detector's input with the map and the outline of one box drawn over it."""
        covered = overlay(self.seen, self.maps[position], self.look)
        return outlined(covered, self.targets[position].array)
