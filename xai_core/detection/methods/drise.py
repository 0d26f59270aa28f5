"""D-RISE: which parts of the picture, when kept at random, leave a box like the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated

import numpy as np

from xai_core.detection.method import DetectionMethod, detection_method
from xai_core.detection.model import DetectionModel
from xai_core.detection.nearest_boxes import digest
from xai_core.detection.pictures import map_size
from xai_core.detection.targets import check_chosen, similarities
from xai_core.detector import BoxTarget
from xai_core.families.masks import MaskAverage, MaskCovariance, Masks, masked
from xai_core.families.perturbed import RememberedRows, named
from xai_core.method import BatchSize, Guide, Seed
from xai_core.params import Range, Size
from xai_core.pictures.resampling import resized
from xai_core.types import Capability, Estimate, Floats

FLOOR = 0.05  # least score of a box that may be like the target


@detection_method(
    "drise",
    title="D-RISE",
    needs=Capability.DETECT,
    source="Petsiuk and others, Black-box Explanation of Object Detectors via Saliency Maps, 2021, arXiv 2006.03204",
    cost="`samples` detections, whatever the number of boxes",
    guide=Guide(
        answers="Which parts of the picture, when they are visible, bring forth a box like this one?",
        choose="For any detector, as it needs boxes only; as a check on methods that look inside.",
        limits="Noisy until many masks are drawn, and no finer than about a cell. A box much smaller than a cell, or "
        "one that any scrap of the picture brings forth, shows little.",
    ),
)
class DRise(DetectionMethod):
    """Keep random parts of the picture and see how like the target the best box is that each leaves."""

    samples: Annotated[
        int,
        Range(100, 20000, 100, steadier=True),
        "Random masks; more is slower and less noisy, and continues an earlier run.",
    ] = 1000
    grid: Annotated[
        int,
        Range(2, 32, unit="cells"),
        "Cells along a side of a mask: more shows finer parts and needs more samples; the literature takes 16 "
        "cells and 5000 samples.",
    ] = 8
    preservation: Annotated[float, Range(0.05, 0.95, 0.05), "Probability that a cell of a mask is kept."] = 0.5
    centred: Annotated[
        bool,
        "Measure from the mean similarity under all masks, so that zero is where it makes no difference what is "
        "visible; the literature's maps, without it, lie on a high ground and are much noisier.",
    ] = True
    batch_size: BatchSize = 8
    seed: Seed = 0

    def detections(self, size: Size) -> int:
        return self.samples

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        size = map_size(image)
        masks = Masks(size, self.grid, self.preservation, self.seed)
        average = (MaskCovariance if self.centred else MaskAverage)(len(targets), size, self.preservation)
        likeness = self._likeness(model, image, targets)
        for start, stop, worth_a_preview in likeness.batches(0, self.samples, self.batch_size):
            drawn = masks.draw(stop - start)
            average.add(likeness.rows(start, stop, partial(_masked, image, drawn)), drawn)
            if worth_a_preview:
                yield average.estimate(stop / self.samples)

    def _likeness(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> RememberedRows:
        """Return what asks for, or remembers, the similarities (n, T) under masks."""
        settings = {"method": self.id, "grid": self.grid, "preservation": self.preservation, "seed": self.seed}
        ledger = model.ledger(named(settings | {"targets": digest(targets)}, image), len(targets))
        return RememberedRows(
            ledger, lambda images: np.stack([similarities(found, targets) for found in model.detect(images, FLOOR)])
        )


def _masked(image: Floats, masks: Floats, skip: int) -> Floats:
    """Return the image (H, W, 3) under each mask (n, h, w) after the first `skip`, black where nothing is kept."""
    return masked(image, resized(masks[skip:], (image.shape[0], image.shape[1])), 0)
