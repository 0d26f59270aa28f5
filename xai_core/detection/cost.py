"""What an explanation of boxes costs: how many detections, and about how long that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from xai_core.detection.method import DetectionMethod
from xai_core.params import Size

SECOND_BY_SECOND = 10.0  # seconds that are told one by one
MINUTE = 60.0


@dataclass(frozen=True)
class Cost:
    """So many detections, which take about so many seconds; as long as the picture's own detection took, each."""

    detections: int
    seconds: float

    @classmethod
    def of(cls, method: DetectionMethod, size: Size, seconds_each: float) -> Self:
        """Return what a method costs for a picture of a height and width whose detection took `seconds_each`."""
        count = method.detections(size)
        return cls(count, count * seconds_each)

    @property
    def in_words(self) -> str:
        """Such as "1,000 detections, about 5 min"; "" for a single one."""
        return f"{self.detections:,} detections, {_roughly(self.seconds)}" if self.detections > 1 else ""


def _roughly(duration: float) -> str:
    if duration < SECOND_BY_SECOND:
        return f"about {max(1, round(duration))} s"
    if duration < 2 * MINUTE:
        return f"about {round(duration, -1):.0f} s"
    return f"about {round(duration / MINUTE)} min"
