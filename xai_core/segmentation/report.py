"""The record of an explained region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xai_core.pictures.overlays import Picture, overlay, png_bytes
from xai_core.report import Explanation
from xai_core.segmentation.drawing import outlined
from xai_core.segmentation.regions import Region


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionExplanation(Explanation):
    """The explanation of classes over a region of one picture; `probabilities` (K,) are those of the mean score."""

    region: Region

    def question_and_answer(self) -> dict[str, Any]:
        """Return the explained classes, the region and the best scores."""
        return super().question_and_answer() | {"region": self.region.to_json()}

    def overlay(self, position: int) -> Picture:
        """Return the part of the picture the model saw, with the map of one class and the region's outline over it."""
        return outlined(overlay(self.photo(), self.maps[position], self.look), self.region.mask)

    def files(self) -> dict[str, bytes]:
        """Return the files by name, with the region as a black and white picture at the model's input size."""
        mask = np.repeat(np.where(self.region.mask, 255, 0).astype(np.uint8)[..., None], 3, axis=2)
        return super().files() | {"region.png": png_bytes(mask)}
