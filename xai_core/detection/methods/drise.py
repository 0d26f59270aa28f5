"""D-RISE: which parts of the picture, when kept at random, still produce a box like the target."""

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
from xai_core.families.mask_average import Averages, MaskAverage
from xai_core.families.masks import Masks, masked
from xai_core.families.noise import STOP_AT, StopAtNoise, Stopping
from xai_core.families.perturbed import RememberedRows, named
from xai_core.method import BatchSize, Guide, Seed
from xai_core.params import Range, Size
from xai_core.types import Capability, Estimate, Floats

FLOOR = 0.05  # least score of a box that may be like the target


@detection_method(
    "drise",
    title="D-RISE",
    needs=Capability.DETECT,
    source="Petsiuk and others, Black-box Explanation of Object Detectors via Saliency Maps, 2021, arXiv 2006.03204",
    cost="at most `samples` detections, for any number of boxes",
    guide=Guide(
        answers="Which parts of the picture produce a box like this one when they are visible?",
        choose="For any detector, as it needs boxes only; as a check on methods that look inside.",
        limits="Noisy until many masks are drawn, and no finer than about one cell. A box much smaller than a cell, or "
        "one that any fragment of the picture produces, shows little.",
    ),
)
class DRise(DetectionMethod):
    """Keep random parts of the picture and average the masks, each weighted by how closely a box matches the target."""

    samples: Annotated[
        int,
        Range(100, 20000, 100, steadier=True),
        "Maximum number of random masks to draw; a higher limit allows less noise, and continues an earlier run.",
    ] = 1000
    stop_at_noise: StopAtNoise = STOP_AT
    grid: Annotated[
        int,
        Range(2, 32, unit="cells"),
        "Cells along a side of a mask: more show finer parts and need more samples; the literature uses 16 cells and "
        "5000 samples.",
    ] = 8
    preservation: Annotated[float, Range(0.05, 0.95, 0.05), "Probability that a cell of a mask is kept."] = 0.5
    averaging: Annotated[
        Averages,
        "steady: measure from the mean similarity, so that zero means no influence, and remove the noise that a linear "
        "fit explains; as in the paper: the plain mean, which is much noisier and far from zero everywhere.",
    ] = "steady"
    batch_size: BatchSize = 8
    seed: Seed = 0

    def detections(self, size: Size) -> int:
        return self.samples

    def explain(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> Iterator[Estimate]:
        check_chosen(targets)
        stopping = Stopping.of_masks(self.stop_at_noise, self.samples)
        return stopping.until_steady(self._averages(model, image, targets, stopping), self)

    def _averages(
        self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget], stopping: Stopping
    ) -> Iterator[Estimate]:
        masks = Masks(map_size(image), self.grid, self.preservation, self.seed)
        steady = self.averaging == "steady"
        average = MaskAverage(masks, len(targets), surrogate=steady, centred=steady)
        likeness = self._likeness(model, image, targets)
        for start, stop, worth_a_preview in likeness.batches(0, self.samples, self.batch_size, stopping):
            cells = masks.cells(stop - start)
            average.add(likeness.rows(start, stop, partial(masked, image, masks, cells)), cells)
            if worth_a_preview:
                yield average.estimate(stop / self.samples, now=stopping.is_check(stop))

    def _likeness(self, model: DetectionModel, image: Floats, targets: Sequence[BoxTarget]) -> RememberedRows:
        """Return the similarities (n, T) under masks, computed or remembered from an earlier run."""
        settings = {"method": self.id, "grid": self.grid, "preservation": self.preservation, "seed": self.seed}
        ledger = model.ledger(named(settings | {"targets": digest(targets)}, image), len(targets))
        return RememberedRows(
            ledger, lambda images: np.stack([similarities(boxes, targets) for boxes in model.detect(images, FLOOR)])
        )
