"""How much of something a process may use: a stock at once, then a steady rate."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Allowance:
    """A stock of up to `most` units, which starts full and refills by `per_second` units per second."""

    most: float
    per_second: float
    _left: float = field(init=False)
    _counted: float = field(init=False)
    _lock: Lock = field(init=False, default_factory=Lock)

    def __post_init__(self) -> None:
        self.refill()

    def refill(self) -> None:
        """Fill the stock."""
        with self._lock:
            self._left, self._counted = self.most, time.monotonic()

    def spend(self, units: float = 1.0) -> bool:
        """Take units and return whether the stock held that many; if not, it stays below zero until it has refilled."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self.most, self._left + (now - self._counted) * self.per_second) - units
            self._counted = now
            return self._left >= 0
