"""Grad-CAM of a box: the gradient of its score, or of an edge, with respect to the feature pyramid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np

from xai_core.detection.levels import added
from xai_core.detection.method import DetectionMethod, ForTheBox, Levels, detection_method
from xai_core.detection.model import DetectionModel
from xai_core.detection.nearest_boxes import FLOOR
from xai_core.detection.pictures import map_size
from xai_core.detection.slopes import LEAST_IOU, Slope, smoothed
from xai_core.detection.targets import check_chosen, nearest, whole_worths
from xai_core.detector import BoxTarget
from xai_core.families.cam import weighted
from xai_core.method import Guide
from xai_core.params import Size
from xai_core.types import Capability, Estimate, Floats


@detection_method(
    "box_gradcam",
    title="Grad-CAM of a box",
    needs=Capability.DETECT | Capability.ACTIVATIONS | Capability.GRADIENT,
    source="Selvaraju and others, Grad-CAM, 2017, arXiv 1610.02391; place by place: Draelos, Carin, Use HiResCAM "
    "instead of Grad-CAM, 2020, arXiv 2011.08891; smoothed: Zhao, Chan, ODAM, 2023, ICLR, over 3 x 3 places",
    cost="one detection, and for each box one pass back from its head to the pyramid",
    guide=Guide(
        answers="Which features raise the box's score or move one of its edges?",
        choose="As the first map of a box: it takes about as long as the detection itself.",
        limits="A slope, not an experiment: features with a saturated effect count little. What the detector used to "
        "find the place (its proposals) is not asked about, only what it made of it.",
    ),
)
class GradCamOfABox(DetectionMethod):
    """Multiply each level of the feature pyramid by the gradient of the box's score or edge, and add them up."""

    aspect: Slope = "score"
    weights: Annotated[
        Literal["place by place", "smoothed gradient", "mean gradient"],
        "How channels are weighted: by the gradient at each place (HiResCAM), by the mean of the gradients around it "
        "(ODAM), or by the mean of all gradients (Grad-CAM), which also lights up where the box's head never looked.",
    ] = "place by place"
    levels: Levels = ()
    positive_only: ForTheBox = True

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        (seen,) = model.detect(image[None], FLOOR)
        whole_worths(nearest(seen, targets), targets, "class", LEAST_IOU)
        names, size = model.levels(self.levels), map_size(image)
        maps = model.pyramid(image, names)
        heatmaps = np.zeros((len(targets), *size), np.float32)
        for number, target in enumerate(targets):
            _, gradients = model.box_gradients(image, target, self.aspect, names)
            coarse = [self._of_level(*level, size) for level in zip(maps, gradients, strict=True)]
            heatmaps[number] = self._shown(added(coarse, size)[0])
            yield Estimate((number + 1) / len(targets), heatmaps.copy())

    def _of_level(self, values: Floats, gradients: Floats, size: Size) -> Floats:
        """Return the map (1, h, w) of a level (h, w, K), scaled so that resizing it to `size` keeps its sum."""
        if self.weights == "mean gradient":
            heatmap = weighted(values, gradients.mean(axis=(0, 1))[None])
        else:
            around = smoothed(gradients) if self.weights == "smoothed gradient" else gradients
            heatmap = (values * around).sum(axis=-1)[None]
        return np.asarray(heatmap * (heatmap.size / (size[0] * size[1])), np.float32)

    def _shown(self, heatmap: Floats) -> Floats:
        if not self.positive_only:
            return heatmap
        return np.maximum(heatmap, 0) if self.aspect == "score" else np.abs(heatmap)
