"""What is going on, on one line of the terminal; silent where nobody watches."""

from __future__ import annotations

import sys
from typing import TypeVar

from xai_core.jobs.base import Job
from xai_core.types import Estimate

Result = TypeVar("Result")
_LOOK_EVERY = 0.2


def tell(doing: str) -> None:
    """Show what is going on, in place of what was shown before; an empty text clears the line."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{doing}")
        sys.stderr.flush()


def follow(job: Job[Result]) -> Result:
    """Show how far a job is until it ends and return its result, or raise its error; Ctrl-C cancels it."""
    try:
        while not job.wait(_LOOK_EVERY).ended:
            tell(_in_words(job))
        return job.result()
    except KeyboardInterrupt:
        job.cancel()
        raise
    finally:
        tell("")


def _in_words(job: Job[Result]) -> str:
    state = job.state
    if state.doing:
        return state.doing
    if not isinstance(state.latest, Estimate) or state.latest.fraction <= 0:
        return "asking the model"
    done = state.latest.fraction
    return f"{done:4.0%}, {state.seconds * (1 - done) / done:.0f} s left"
