"""What is going on, on one line of the terminal; silent where nobody watches."""

from __future__ import annotations

import shutil
import sys
from typing import Any, TypeVar

from xai_core.jobs.base import Job, JobState
from xai_core.types import Estimate

Result = TypeVar("Result")
LONG = 100  # seconds that are told in minutes
_LOOK_EVERY = 0.2


def tell(doing: str) -> None:
    """Show what is going on, in place of what was shown before; an empty text clears the line."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be cleared
        sys.stderr.write(f"\r\x1b[K{doing[:width]}")
        sys.stderr.flush()


def follow(job: Job[Result], what: str = "", cost: str = "") -> Result:
    """Show how far a job is until it ends and return its result, or raise its error; Ctrl-C cancels it.

    what: that is asked, said before the progress. cost: of it, said until there is progress.
    """
    progress = _Progress(what, cost)
    try:
        while not (state := job.wait(_LOOK_EVERY)).ended:
            tell(progress.in_words(state))
        return job.result()
    except KeyboardInterrupt:
        job.cancel()
        raise
    finally:
        tell("")


def duration(seconds: float) -> str:
    """Return a time in words, such as "45 s" or "3 min"."""
    return f"{seconds:.0f} s" if seconds < LONG else f"{seconds / 60:.0f} min"


class _Progress:
    """Tells how far a job is; the time that is left, by its pace since the first preview, as what was before is not."""

    def __init__(self, what: str, cost: str) -> None:
        self._what, self._cost = what, cost
        self._first: tuple[float, float] | None = None

    def in_words(self, state: JobState[Any]) -> str:
        """Return a line; the states are those of one job, in their order."""
        done = state.latest.fraction if isinstance(state.latest, Estimate) else 0.0
        if state.doing or done <= 0:
            asked = ", ".join(filter(None, [self._what, self._cost]))
            return ": ".join(filter(None, [asked, state.doing or "asking the model"]))
        return ": ".join(filter(None, [self._what, f"{done:.0%}{self._left(done, state.seconds)}"]))

    def _left(self, done: float, seconds: float) -> str:
        self._first = self._first or (done, seconds)
        share = done - self._first[0]
        return f", {duration((seconds - self._first[1]) * (1 - done) / share)} left" if share > 0 else ""
