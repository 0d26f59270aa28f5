"""The progress of a job, one line at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from xai_core.jobs.base import Job, JobState
from xai_core.types import Estimate

Result = TypeVar("Result")
Tell = Callable[[str], None]
LONG = 100  # seconds; from here on a time is given in minutes
_LOOK_EVERY = 0.2


def silent(line: str) -> None:
    """Show nothing."""


def follow(job: Job[Result], tell: Tell = silent, subject: str = "", cost: str = "") -> Result:
    """Return a job's result or raise its error; until then, pass progress lines to `tell`. Ctrl-C cancels the job.

    subject: what is computed, shown before the progress. cost: shown until there is progress. The last line is empty.
    """
    progress = _Progress(subject, cost)
    try:
        while not (state := job.wait(_LOOK_EVERY)).ended:
            tell(progress.line(state))
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
    """Describes a job's states; the time left follows from the pace since the first preview."""

    def __init__(self, subject: str, cost: str) -> None:
        self._subject, self._cost = subject, cost
        self._first: tuple[float, float] | None = None

    def line(self, state: JobState[Any]) -> str:
        """Describe a state; states must come in chronological order."""
        done = state.latest.fraction if isinstance(state.latest, Estimate) else 0.0
        if state.doing or done <= 0:
            title = ", ".join(filter(None, [self._subject, self._cost]))
            return ": ".join(filter(None, [title, state.doing or "asking the model"]))
        return ": ".join(filter(None, [self._subject, f"{done:.0%}{self._left(done, state.seconds)}"]))

    def _left(self, done: float, seconds: float) -> str:
        self._first = self._first or (done, seconds)
        share = done - self._first[0]
        return f", {duration((seconds - self._first[1]) * (1 - done) / share)} left" if share > 0 else ""
