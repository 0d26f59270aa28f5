"""Eigen-CAM of a detector: the first principal component of its feature pyramid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xai_core.detection.levels import Grid, Magnitudes, first_component_on, grid_of, pyramid
from xai_core.detection.method import DetectionMethod, Levels, detection_method
from xai_core.detection.model import DetectionModel
from xai_core.detection.pictures import map_size
from xai_core.detection.targets import check_chosen
from xai_core.detector import BoxTarget
from xai_core.families.cam import AboveTheMean
from xai_core.method import Guide
from xai_core.pictures.resampling import resized
from xai_core.types import Capability, Estimate, Floats


@detection_method(
    "eigencam",
    title="Eigen-CAM of a detector",
    needs=Capability.DETECT | Capability.ACTIVATIONS,
    source="Muhammad, Yeasin, Eigen-CAM, 2020, arXiv 2008.00299; on a pyramid and centred, as pytorch-grad-cam has it",
    cost="one pass through the backbone, for any number of boxes",
    guide=Guide(
        answers="What stands out most in the detector's features, regardless of the box?",
        choose="For a first look at what the detector sees, in one pass, before asking about a box.",
        limits="It knows nothing about boxes or classes: every box in a picture gets the same map. What differs most "
        "from the rest of the picture counts as standing out; where objects fill it, that may be the ground.",
    ),
    class_sensitivity="none",
)
class EigenCamOfADetector(DetectionMethod):
    """Project the levels of the feature pyramid, side by side, onto their first principal component."""

    levels: Levels = ()
    grid: Grid = "middle"
    magnitudes: Magnitudes = False
    positive_only: AboveTheMean = True

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        maps = pyramid(model, image, model.levels(self.levels), self.magnitudes)
        component = first_component_on(maps, grid_of(maps, self.grid))
        shown = np.maximum(component, 0) if self.positive_only else component
        yield Estimate(1.0, np.repeat(resized(shown[None], map_size(image)), len(targets), axis=0))
