"""What can run a detector's forward passes, and what is fastest?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from xai_core.detection.shown import LEAST_SCORE
from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import plain, question
from xai_core.jobs.questions.find_engines import EnginesQuestion
from xai_core.jobs.steps import ENGINES_SECONDS
from xai_core.types import Engine, Floats


@question("find_detector_engines")
class FindDetectorEngines(EnginesQuestion):
    """Find the engines that a detector can run on, for images like this one (H, W, 3); the first call takes seconds."""

    image: Floats

    def to_frame(self) -> Frame:
        return {}, [plain(self.image)]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls(arrays[0])

    def answers(self, opened: Opened) -> Iterator[tuple[Engine, ...]]:
        with opened.heartbeat.beating(ENGINES_SECONDS):
            engines = self.engines(opened)
        yield engines

    def engines(self, opened: Opened) -> tuple[Engine, ...]:
        """Return the engines; the first call measures them, including on the image itself."""
        detector, (height, width) = opened.detector, self.image.shape[:2]
        detector.detect(self.image[None], LEAST_SCORE)
        return detector.engines(height, width)
