"""Calls in batches that fit into memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xai_core.errors import is_of_memory


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
        how = "one at a time" if self._fits == 1 else f"{self._fits} at a time"
        return (f"The batch was too large for the memory, so pictures were taken {how}.",)

    def take_at_most(self, count: int) -> None:
        """Begin again with `count` pictures at a time, as a whole run had no memory for more."""
        self._fits = count

    def run(self, call: Callable[..., Any], *arrays: Any, most: int | None = None) -> list[Any]:
        """Return what `call(*arrays)` gives, one answer for each piece that fits; a piece has `most` at the most."""
        count = len(arrays[0])
        while True:
            size = max(1, min(count, self._fits or count, most or count))
            try:
                starts = range(0, max(count, 1), size)
                return [self._ticked(call(*(a[i : i + size] for a in arrays))) for i in starts]
            except Exception as error:  # each framework has its own
                if size < 2 or not is_of_memory(error):
                    raise
            self._fits = size // 2  # out here, where what filled the memory is gone

    def _ticked(self, found: Any) -> Any:
        self._tick()
        return found
