"""Say what a long call is doing, in words, to whoever listens; without a listener nothing happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def tell(doing: str) -> None:
    """Say what is being done now, such as "building layer 57"."""
    listener = _listener.get()
    if listener is not None:
        listener(doing)


@contextmanager
def heard_by(listener: Callable[[str], None]) -> Iterator[None]:
    """Call `listener` with what calls inside say."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
