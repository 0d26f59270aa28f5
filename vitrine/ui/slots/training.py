"""What a tab holds of a training: its history, where it comes from, and what was worked out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from vitrine.ui.memo import Memo
from vitrine.ui.session import Key
from xai_core.training.history import History

KEPT_VIEWS = 4
Found = TypeVar("Found")


@dataclass
class TrainingSlot:
    """The history of a training that a tab looks at, where it comes from, and the picture that was chosen in it.

    run, stamp: a file of the server that may still grow, and its state when it was read. fault: what a person should
    know of the last file that could not be read. turn: counts the histories, so that each has widgets of its own.
    range: first and last epoch that are looked at. last_epoch: the run's, when the range was chosen. known: what was
    worked out of the history, by what it is.
    """

    history: History | None = None
    run: str | None = None
    stamp: tuple[int, int] | None = None
    fault: str | None = None
    chosen: int | None = None
    turn: int = 0
    range: tuple[str, str] | None = None
    last_epoch: str | None = None
    files_uploaded: int = 0
    known: Memo = field(default_factory=lambda: Memo(KEPT_VIEWS))

    def hold(self, history: History, run: str | None = None) -> None:
        """Take a history in the place of the one before; of the same run that has grown, the choice stays."""
        if run is None or run != self.run:
            self.chosen = self.range = self.stamp = None
            self.turn += 1
        self.history, self.run, self.fault = history, run, None
        self.known.clear()

    def range_in(self, epochs: Sequence[str]) -> tuple[str, str]:
        """Return the range that was chosen, or all epochs; one that reached the end follows the epochs that come."""
        if self.range is None or not set(self.range) <= set(epochs):
            self.range = (epochs[0], epochs[-1])
        elif self.range[1] == self.last_epoch:
            self.range = (self.range[0], epochs[-1])
        self.last_epoch = epochs[-1]
        return self.range

    def once(self, key: Key, work_out: Callable[[], Found]) -> Found:
        """Return what is worked out of the history, worked out the first time; a few of the last are kept."""
        return self.known.once(key, work_out)

    def leave(self) -> None:
        """Free nothing: a history is held in memory only."""
