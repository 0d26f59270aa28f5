"""What an inert reading leaves of the classes, functions and objects in a pickle: names and data, never code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PERSISTENT = "persistent id"


@dataclass(frozen=True)
class Reference:
    """A class or function that a pickle mentions, by its qualified name, such as "torch.nn.modules.linear.Linear"."""

    name: str


@dataclass(eq=False)
class Record:
    """An object that a pickle describes, which was never built.

    name: of its class, or of the function that would have made it. arguments: what that would have been called with.
    state: what would have become its attributes. items and pairs: what would have been appended to it or stored in it.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)
    pairs: dict[Any, Any] = field(default_factory=dict)

    @property
    def attributes(self) -> dict[Any, Any]:
        """The object's attributes by name, those in slots included."""
        parts = self.state if isinstance(self.state, tuple) and len(self.state) == 2 else (self.state,)
        return {key: value for part in parts if isinstance(part, Mapping) for key, value in part.items()}


@dataclass(frozen=True)
class Contents:
    """A pickle that was read inertly.

    value: its object, made of plain values, containers, `Reference` and `Record`. names: all that it mentions. calls:
    those of them that it would call other than to make an object of a class. storages: the persistent ids, in order.
    """

    value: Any
    names: frozenset[str]
    calls: frozenset[str]
    storages: tuple[Record, ...]
