"""Values that are computed once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Value = TypeVar("Value")


class Memo(OrderedDict[Any, Any]):
    """Values by key, each computed on first use.

    most: how many are kept; beyond that, the least recently used one is dropped. dropped: called with each such value.
    """

    def __init__(self, most: int | None = None, dropped: Callable[[Any], None] = lambda value: None) -> None:
        super().__init__()
        self._most, self._dropped = most, dropped

    def once(self, key: Hashable, work_out: Callable[[], Value]) -> Value:
        """Return the value for a key, computed on first use."""
        if key not in self:
            self[key] = work_out()
        self.move_to_end(key)
        value: Value = self[key]
        while self._most is not None and len(self) > self._most:
            self._dropped(self.popitem(last=False)[1])
        return value
