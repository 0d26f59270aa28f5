"""Run a call in batches that fit into memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xai_core.errors import is_of_memory


class Batches:
    """Run calls in batches, and halve the batch size for good when memory runs out. tick: called after each pass."""

    def __init__(self, tick: Callable[[], None] = lambda: None) -> None:
        self._tick = tick
        self._fits: int | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What users should know about the run so far, as sentences."""
        if self._fits is None:
            return ()
        how = "one at a time" if self._fits == 1 else f"{self._fits} at a time"
        return (f"The batch was too large for the memory, so pictures were processed {how}.",)

    def take_at_most(self, count: int) -> None:
        """Limit batches to `count` pictures, because a whole run had no memory for more."""
        self._fits = count

    def run(self, call: Callable[..., Any], *arrays: Any, most: int | None = None) -> list[Any]:
        """Return the results of `call(*arrays)`, one per batch of at most `most` rows that fits into memory."""
        count = len(arrays[0])
        while True:
            size = max(1, min(count, self._fits or count, most or count))
            try:
                starts = range(0, max(count, 1), size)
                return [self._ticked(call(*(a[i : i + size] for a in arrays))) for i in starts]
            except Exception as error:  # each framework has its own
                if size < 2 or not is_of_memory(error):
                    raise
            self._fits = size // 2  # outside the handler, where the memory is free again

    def _ticked(self, result: Any) -> Any:
        self._tick()
        return result
