"""Attention of a box: which places of the picture the query behind a box attends to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np

from xai_core.detection.method import DetectionMethod, detection_method
from xai_core.detection.model import DetectionModel
from xai_core.detection.nearest_boxes import FLOOR
from xai_core.detection.pictures import map_size
from xai_core.detection.slopes import LEAST_IOU
from xai_core.detection.targets import check_chosen, nearest, whole_worths
from xai_core.detector import BoxTarget
from xai_core.method import Guide
from xai_core.pictures.resampling import resized
from xai_core.types import Capability, Estimate, Floats

Weighting = Literal["by the gradient", "none"]
WEIGHTED: Weighting = "by the gradient"


@detection_method(
    "box_attention",
    title="Attention of a box",
    needs=Capability.DETECT | Capability.GRADIENT | Capability.ATTENTION,
    source="Carion and others, End-to-End Object Detection with Transformers, 2020, arXiv 2005.12872; weighted by the "
    "gradient: Chefer, Gur, Wolf, Generic Attention-model Explainability, 2021, arXiv 2103.15679",
    cost="two detections, and for each box one pass with attention and one back",
    guide=Guide(
        answers="Which places of the picture does the query behind this box attend to?",
        choose="For detectors that are transformers, such as DETR and YOLOS, as the first map of a box.",
        limits="As coarse as the patches. It follows the box's own query only, not how places were mixed before, and "
        "attention is not importance: DETR attends most to the edges that place the box.",
    ),
)
class AttentionOfABox(DetectionMethod):
    """Add up, over layers and heads, where the query behind the box attends."""

    weighting: Annotated[
        Weighting,
        "Whether attention counts by how much it raises the score of the box's class, or alone.",
    ] = WEIGHTED
    layers: Annotated[
        Literal["all", "last"],
        "Which layers count: the mean of all, or the last one, as the figures of DETR show.",
    ] = "all"
    heads: Annotated[Literal["mean", "max"], "How the heads of a layer are combined: their mean or maximum."] = "mean"

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        (seen,) = model.detect(image[None], FLOOR)
        whole_worths(nearest(seen, targets), targets, "class", LEAST_IOU)
        maps = np.zeros((len(targets), *map_size(image)), np.float32)
        for number, target in enumerate(targets):
            coarse = self._combined(*model.box_attention(image, target))
            maps[number] = resized(coarse[None], map_size(image))[0]
            yield Estimate((number + 1) / len(targets), maps.copy())

    def _combined(self, weights: Floats, gradients: Floats) -> Floats:
        """Return the map (h, w) of weights and their gradients (L, heads, h, w)."""
        values = np.maximum(weights * gradients, 0) if self.weighting == WEIGHTED else weights
        fused = values.mean(axis=1) if self.heads == "mean" else values.max(axis=1)
        return np.asarray(fused[-1] if self.layers == "last" else fused.mean(axis=0), np.float32)
