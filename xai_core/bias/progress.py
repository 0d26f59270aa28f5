"""How far something is that takes a while; whoever hears of it may raise to stop it."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[float], None]  # hears which share is done, 0 to 1


def unheard(share: float) -> None:
    """Take a share and do nothing."""


def part_of(tell: Tell, done: int, parts: int) -> Tell:
    """Return what hears of one of some equal parts, of which so many are done already."""
    return lambda share: tell((done + share) / parts)
