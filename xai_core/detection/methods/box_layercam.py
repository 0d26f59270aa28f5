"""LayerCAM of a box: each place of each level weighted by its own positive gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np

from xai_core.detection.method import DetectionMethod, Levels, detection_method
from xai_core.detection.model import DetectionModel
from xai_core.detection.nearest_boxes import FLOOR
from xai_core.detection.pictures import map_size
from xai_core.detection.slopes import LEAST_IOU, Slope
from xai_core.detection.targets import check_chosen, nearest, whole_worths
from xai_core.detector import BoxTarget
from xai_core.method import Guide
from xai_core.params import Range
from xai_core.pictures.resampling import resized
from xai_core.types import Capability, Estimate, Floats


@detection_method(
    "box_layercam",
    title="LayerCAM of a box",
    needs=Capability.DETECT | Capability.ACTIVATIONS | Capability.GRADIENT,
    source="Jiang, Zhang, Hou, Cheng, Wei, LayerCAM, 2021, IEEE TIP 30; levels combined by their maximum, as there",
    cost="one detection, and for each box one pass back from its head to the pyramid",
    guide=Guide(
        answers="Which places of the feature pyramid, on every scale, support the box?",
        choose="For detectors with heads on several scales, such as YOLO: a map of one layer misses what the "
        "others use.",
        limits="A slope, not an experiment. Places that count against the box are left out by design. Every "
        "level that reaches the box counts equally.",
    ),
)
class LayerCamOfABox(DetectionMethod):
    """Weight each place of each level by its own positive gradient, and keep the largest value of all levels."""

    aspect: Slope = "score"
    together: Annotated[
        Literal["maximum", "mean"],
        "How levels are combined: the largest value of any level, as in the literature, or the mean of all.",
    ] = "maximum"
    sharpness: Annotated[
        float,
        Range(0, 5, 0.5),
        "How strongly weak values of each level are raised before levels are combined (tanh); 0 leaves them unchanged.",
    ] = 2.0
    levels: Levels = ()

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        (seen,) = model.detect(image[None], FLOOR)
        whole_worths(nearest(seen, targets), targets, "class", LEAST_IOU)
        names, size = model.levels(self.levels), map_size(image)
        maps = model.pyramid(image, names)
        heatmaps = np.zeros((len(targets), *size), np.float32)
        for number, target in enumerate(targets):
            _, gradients = model.box_gradients(image, target, self.aspect, names)
            coarse = [self._of_level(*level) for level in zip(maps, gradients, strict=True)]
            heatmaps[number] = self._combined([resized(level[None], size)[0] for level in coarse])
            yield Estimate((number + 1) / len(targets), heatmaps.copy())

    def _of_level(self, values: Floats, gradients: Floats) -> Floats:
        """Return the map (h, w) of a level (h, w, K), at most 1."""
        towards = gradients if self.aspect == "score" else np.abs(gradients)
        heatmap = np.maximum((np.maximum(towards, 0) * values).sum(axis=-1), 0)
        peak = float(heatmap.max())
        share = heatmap / peak if peak > 0 else heatmap
        return np.asarray(np.tanh(self.sharpness * share) if self.sharpness else share, np.float32)

    def _combined(self, maps: Sequence[Floats]) -> Floats:
        return np.asarray(np.max(maps, axis=0) if self.together == "maximum" else np.mean(maps, axis=0), np.float32)
