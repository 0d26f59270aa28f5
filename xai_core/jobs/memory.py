"""What a worker remembers of earlier runs: rows in files, so that its memory does not grow, and a few sums."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from xai_core.types import Floats

MOST_LEDGERS = 16
MOST_SUMS, MOST_SUM_BYTES = 4, 256 << 20  # large pictures with several classes take many megabytes


class _Store:
    """Rows in a file without a name, which disappears with the last ledger that uses it."""

    def __init__(self, folder: str, classes: int) -> None:
        self.classes = classes
        self.count = 0
        self._file, path = tempfile.mkstemp(dir=folder, prefix="ledger-")
        os.unlink(path)
        weakref.finalize(self, os.close, self._file)

    @property
    def size(self) -> int:
        return self.count * self.classes * 4

    def write(self, start: int, rows: Floats) -> None:
        data = memoryview(np.ascontiguousarray(rows, np.float32).tobytes())
        place = start * self.classes * 4
        while data:
            written = os.pwrite(self._file, data, place)
            data, place = data[written:], place + written
        self.count = max(self.count, start + len(rows))

    def read(self, start: int, stop: int) -> Floats:
        width = self.classes * 4
        data = os.pread(self._file, (min(stop, self.count) - start) * width, start * width)
        return np.frombuffer(data, np.float32).reshape(-1, self.classes).copy()


class SpooledLedger:
    """One run's view of a store.

    It starts with the rows that are there. Two runs of the same key that take turns each write their own next rows:
    equal rows, at equal places. Rows count once they are completely written, so a cancelled run leaves no partial row.
    """

    def __init__(self, store: _Store, memory: SpooledMemory) -> None:
        self._store, self._memory, self._count = store, memory, store.count

    def __len__(self) -> int:
        return self._count

    def append(self, rows: Floats) -> None:
        """Keep rows (n, K)."""
        if rows.ndim != 2 or rows.shape[1] != self._store.classes:
            raise ValueError(f"Expected rows (n, {self._store.classes}); got {rows.shape}.")
        self._store.write(self._count, rows)
        self._count += len(rows)
        self._memory.make_room(self._store)

    def rows(self, start: int, stop: int) -> Floats:
        """Return rows start to stop, as a slice would."""
        start, stop, _ = slice(start, stop).indices(self._count)
        return self._store.read(start, max(start, stop))


class SpooledMemory:
    """Ledgers in a folder; beyond `MOST_LEDGERS` or `most_bytes` the least recently used one is forgotten."""

    def __init__(self, folder: str, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._stores: OrderedDict[str, _Store] = OrderedDict()
        self._sums: OrderedDict[str, Mapping[str, Any]] = OrderedDict()

    def keep(self, key: str, arrays: Mapping[str, Any]) -> None:
        """Remember the sums of a run; the oldest are forgotten when there are too many or they take too much memory."""
        self._sums.pop(key, None)
        self._sums[key] = arrays
        while len(self._sums) > 1 and (len(self._sums) > MOST_SUMS or self._sum_bytes() > MOST_SUM_BYTES):
            self._sums.popitem(last=False)

    def recall(self, key: str) -> Mapping[str, Any]:
        """Return what was last kept under `key`; empty if there is nothing."""
        if key in self._sums:
            self._sums.move_to_end(key)
        return self._sums.get(key, {})

    def ledger(self, key: str, classes: int) -> SpooledLedger:
        """Return the ledger under `key`, with the rows of earlier runs."""
        store = self._stores.get(key)
        if store is None or store.classes != classes:
            store = self._stores[key] = _Store(self._folder, classes)
        self._stores.move_to_end(key)
        self.make_room(store)
        return SpooledLedger(store, self)

    def make_room(self, keep: _Store) -> None:
        """Forget the least recently used ledgers until the limits hold, but never `keep`, which is in use."""
        while len(self._stores) > 1 and self._full():
            oldest = next(key for key, store in self._stores.items() if store is not keep)
            del self._stores[oldest]

    def _sum_bytes(self) -> int:
        return sum(getattr(array, "nbytes", 0) for arrays in self._sums.values() for array in arrays.values())

    def _full(self) -> bool:
        size = sum(store.size for store in self._stores.values())
        return len(self._stores) > MOST_LEDGERS or size > self._most_bytes
