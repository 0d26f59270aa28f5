"""How many processes may read files at a time, so that many visitors do not fill the memory."""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol

MOST_PROCESSES: Final = 8
LOOK_SECONDS: Final = 0.05


class Reader(Protocol):
    """Whatever has a process that reads files."""

    used: float  # time.monotonic() of its last question

    def close(self) -> None:
        """End its process."""

    def close_if_idle(self) -> bool:
        """End its process unless it reads at this moment; return whether it did."""


class Room:
    """Gives places to readers. One that waits for a question loses its place to one that has a question."""

    def __init__(self, most: int = MOST_PROCESSES) -> None:
        self._most = most
        self._readers: set[Reader] = set()
        self._lock = threading.Lock()

    @property
    def readers(self) -> list[Reader]:
        """Those that have a place, the least recently used first."""
        with self._lock:
            return sorted(self._readers, key=lambda reader: reader.used)

    def enter(self, reader: Reader) -> None:
        """Take a place; wait for one if all are reading."""
        while not self._entered(reader):
            if not any(other.close_if_idle() for other in self.readers):
                time.sleep(LOOK_SECONDS)

    def leave(self, reader: Reader) -> None:
        """Give the place back, if there was one."""
        with self._lock:
            self._readers.discard(reader)

    def _entered(self, reader: Reader) -> bool:
        with self._lock:
            if len(self._readers) < self._most:
                self._readers.add(reader)
            return reader in self._readers
