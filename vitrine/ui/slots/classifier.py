"""What a tab holds for its classifier."""

from __future__ import annotations

from dataclasses import dataclass, field

from vitrine.ui.session import Key
from vitrine.ui.slots.model import ModelSlot
from xai_core.jobs.base import Job
from xai_core.segmentation.segments import Segmentation
from xai_core.services.preparation import Prepared
from xai_core.types import Floats


@dataclass
class ClassifierSlot(ModelSlot[Prepared]):
    """The classifier or segmentation network that a tab holds, with its answers for each picture.

    scores: (K,). segmentations: of networks that label every pixel.
    """

    scores: dict[Key, Floats] = field(default_factory=dict)
    segmentations: dict[Key, Job[Segmentation]] = field(default_factory=dict)

    def stop(self) -> None:
        for job in self.segmentations.values():
            job.cancel()
        self.segmentations.clear()
        super().stop()
