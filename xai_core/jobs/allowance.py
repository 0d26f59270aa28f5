"""How much of something a process may use: some at once, then so much a second."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Allowance:
    """A stock of at most `most` units, full at first, which refills by `a_second` units a second."""

    most: float
    a_second: float
    _left: float = field(init=False)
    _counted: float = field(init=False)

    def __post_init__(self) -> None:
        self.refill()

    def refill(self) -> None:
        """Fill the stock."""
        self._left, self._counted = self.most, time.monotonic()

    def spend(self, units: float = 1.0) -> bool:
        """Take units, and return whether so many were left; if not, the stock stays below zero until it refills."""
        now = time.monotonic()
        self._left = min(self.most, self._left + (now - self._counted) * self.a_second) - units
        self._counted = now
        return self._left >= 0
