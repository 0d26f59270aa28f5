"""What a tab holds for its detector."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vitrine.ui.session import Key
from vitrine.ui.slots.model import ModelSlot
from xai_core.detector import Detections
from xai_core.jobs.base import Job
from xai_core.services.detector_preparation import PreparedDetector


@dataclass
class DetectorSlot(ModelSlot[PreparedDetector]):
    """The detector that a tab holds, the boxes it found in each picture, and the download in progress, if any."""

    detections: dict[Key, Job[Detections]] = field(default_factory=dict)
    downloading: Job[Path] | None = None

    def stop(self) -> None:
        for job in self.detections.values():
            job.cancel()
        self.detections.clear()
        super().stop()
