"""What an explanation of boxes costs: the number of detections and the approximate time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from xai_core.detection.method import DetectionMethod
from xai_core.families.noise import STOP_FIELD
from xai_core.params import Size

SECOND_BY_SECOND = 10.0  # seconds; shorter durations are given to the second
MINUTE = 60.0


@dataclass(frozen=True)
class Cost:
    """A number of detections and the seconds they take, estimated from the time of the picture's first detection.

    may_stop: whether the run may end early, so that both are upper limits.
    """

    detections: int
    seconds: float
    may_stop: bool = False

    @classmethod
    def of(cls, method: DetectionMethod, size: Size, seconds_each: float) -> Self:
        """Return the cost of a method for a picture of `size` whose detection took `seconds_each`."""
        count = method.detections(size)
        return cls(count, count * seconds_each, method.values().get(STOP_FIELD, 0) > 0)

    @property
    def in_words(self) -> str:
        """The cost in words, such as "up to 1,000 detections, about 5 min"; "" for a single detection."""
        if self.detections <= 1:
            return ""
        return f"{'up to ' * self.may_stop}{self.detections:,} detections, {_roughly(self.seconds)}"


def _roughly(duration: float) -> str:
    if duration < SECOND_BY_SECOND:
        return f"about {max(1, round(duration))} s"
    if duration < 2 * MINUTE:
        return f"about {round(duration, -1):.0f} s"
    return f"about {round(duration / MINUTE)} min"
