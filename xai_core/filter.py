"""Base class and registry of filters: cheap steps after a method that never make it run again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, dataclass_transform

from xai_core.errors import ParamError
from xai_core.params import Declared, params_of
from xai_core.types import Floats


class Filter(Declared, ABC):
    """A filter; its fields are its parameters, and the first line of its docstring says what it does."""

    source: ClassVar[str]

    @abstractmethod
    def apply(self, maps: Floats) -> Floats:
        """Return filtered maps of the same shape (T, H, W)."""


FILTERS: dict[str, type[Filter]] = {}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def filter_(filter_id: str, *, title: str, source: str = "") -> Callable[[type[Filter]], type[Filter]]:
    """Turn a class into a filter and register it in `FILTERS` under `id`."""

    def register(cls: type[Filter]) -> type[Filter]:
        if filter_id in FILTERS:
            raise ValueError(f"Two filters are called {filter_id!r}.")
        made: Any = dataclass(frozen=True, kw_only=True)(cls)
        made.id, made.title, made.source, made.params = filter_id, title, source, params_of(made)
        FILTERS[filter_id] = made
        return made  # type: ignore[no-any-return]

    return register


def filter_named(filter_id: str) -> type[Filter]:
    """Return the filter called `id`, or raise a ParamError that lists the known ones."""
    if filter_id not in FILTERS:
        raise ParamError(f"There is no filter called {filter_id!r}; the filters are {', '.join(sorted(FILTERS))}.")
    return FILTERS[filter_id]
