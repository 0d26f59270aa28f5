"""What an explanation of boxes costs: how many detections, and about how long that takes here."""

from __future__ import annotations

from dataclasses import dataclass

from ui.text import seconds
from xai_core.detection.method import DetectionMethod
from xai_core.params import Size

LONG_SECONDS = 20.0  # what takes longer is begun by a person, who has seen what it costs
BY_ITSELF = f"What takes longer than about {LONG_SECONDS:.0f} s waits until you press its button."


@dataclass(frozen=True)
class Cost:
    """So many detections, which take about so many seconds; as long as the picture's own detection took, each."""

    detections: int
    seconds: float

    @classmethod
    def of(cls, method: DetectionMethod, size: Size, seconds_each: float) -> Cost:
        """Return what a method costs for a picture of a height and width whose detection took `seconds_each`."""
        count = method.detections(size)
        return cls(count, count * seconds_each)

    @property
    def is_large(self) -> bool:
        return self.seconds > LONG_SECONDS

    @property
    def in_words(self) -> str:
        """Such as "1,000 detections, about 1 min 40 s"; "" for a single one."""
        return f"{self.detections:,} detections, about {seconds(self.seconds)}" if self.detections > 1 else ""
