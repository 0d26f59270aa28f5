"""The training history that a tab shows, its source, and what was computed from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from vitrine.ui.drawing.memo import Memo
from vitrine.ui.session import Key
from xai_core.training.history import History

KEPT_VIEWS = 4
Result = TypeVar("Result")


@dataclass
class TrainingSlot:
    """The training history that a tab shows, its source, and the selected picture.

    run, stamp: a file on the server that may still grow, and its state when it was read. fault: why the last file could
    not be read, for the user. turn: counts the histories, so that each has its own widgets. range: the first and last
    epoch shown. last_epoch: the run's last epoch when the range was chosen. known: computed results, by key.
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
        """Replace the history; if it is the same run, only longer, keep the selected picture."""
        if run is None or run != self.run:
            self.chosen = self.range = self.stamp = None
            self.turn += 1
        self.history, self.run, self.fault = history, run, None
        self.known.clear()

    def range_in(self, epochs: Sequence[str]) -> tuple[str, str]:
        """Return the chosen range, or all epochs; a range that reached the last epoch follows new ones."""
        if self.range is None or not set(self.range) <= set(epochs):
            self.range = (epochs[0], epochs[-1])
        elif self.range[1] == self.last_epoch:
            self.range = (self.range[0], epochs[-1])
        self.last_epoch = epochs[-1]
        return self.range

    def once(self, key: Key, work_out: Callable[[], Result]) -> Result:
        """Return a result computed from the history; the last few are kept."""
        return self.known.once(key, work_out)

    def leave(self) -> None:
        """Free nothing: a history lives in memory only."""
