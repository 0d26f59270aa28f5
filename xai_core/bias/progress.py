"""How far a long computation has come; the callback can raise to stop it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float], None]  # receives the share that is done, 0 to 1


def ignore_progress(share: float) -> None:
    """Accept a share and do nothing."""


def part_of(progress: Progress, done: int, parts: int) -> Progress:
    """Return the callback for one of several equal parts, `done` of which are finished."""
    return lambda share: progress((done + share) / parts)
