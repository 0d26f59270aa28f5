"""Calls in batches that fit into memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xai_core.errors import OutOfMemory


class Batches:
    """Halves a batch that takes too much memory, then and from then on. tick: called after each pass."""

    def __init__(self, tick: Callable[[], None] = lambda: None) -> None:
        self._tick = tick
        self._fits: int | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What happened on the way that a person should know, in sentences."""
        if self._fits is None:
            return ()
        return (f"The batch was too large for the memory, so {self._fits} pictures were taken at a time.",)

    def run(self, call: Callable[..., Any], *arrays: Any) -> list[Any]:
        """Return what `call(*arrays)` gives, one answer for each piece that fits."""
        count = len(arrays[0])
        try:
            size = self._fits or count
            starts = range(0, max(count, 1), max(size, 1))
            return [self._ticked(call(*(a[i : i + size] for a in arrays))) for i in starts]
        except (OutOfMemory, MemoryError):
            if min(count, self._fits or count) < 2:
                raise
            self._fits = min(count, self._fits or count) // 2
            return self.run(call, *arrays)

    def _ticked(self, found: Any) -> Any:
        self._tick()
        return found
