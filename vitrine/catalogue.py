"""The explanation methods and filters by name: what `vitrine.GradCam`, "grad_cam" and `methods()` stand for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from vitrine.tables import Table
from xai_core.errors import ParamError
from xai_core.filter import FILTERS, Filter, filter_named
from xai_core.guide import catalogue, in_order, method_of_any_task, needs_in_words, summary
from xai_core.method import Catalogued
from xai_core.params import Declared, Param
from xai_core.types import Task

REGISTERING = ("xai_core.methods", "xai_core.detection.methods", "xai_core.filters")
MethodLike = str | Catalogued | type[Catalogued]
FilterLike = str | Filter | tuple[str, Mapping[str, Any]]


def declared_classes() -> dict[str, type[Declared]]:
    """Return every method and filter by the name of its class: "GradCam", "DRise", "Clip"."""
    register()
    classes: Iterable[type[Declared]] = [*catalogue().values(), *FILTERS.values()]
    return {declared.__name__: declared for declared in classes}


def register() -> None:
    """Register all methods and filters."""
    for package in REGISTERING:
        importlib.import_module(package)


def methods(task: Task | None = None) -> Table:
    """Return the methods for classifiers ("classify"), for detectors ("detect") or for both, one row per method.

    A row has the id that `explain` takes, the class in `vitrine`, the group, what the method does and what it needs.
    """
    register()
    return Table([_row(method) for method in in_order(task)])


def class_of(method: MethodLike) -> type[Catalogued]:
    """Return the class of a method given as an id, a class or an instance; ParamError if there is none."""
    register()
    if isinstance(method, str):
        return method_of_any_task(method)
    if isinstance(method, Catalogued):
        return type(method)
    if isinstance(method, type) and issubclass(method, Catalogued):
        return method
    raise ParamError(f"A method is an id such as 'grad_cam', or vitrine.GradCam(...); got {type(method).__name__}.")


def plain(kind: type[Declared], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters, with lists and single names turned into the tuples that their declaration requires."""
    kinds = {param.name: param for param in kind.params}
    return {name: _plain(kinds.get(name), value) for name, value in parameters.items()}


def fitted_filters(filters: Iterable[FilterLike], size: tuple[int, int] | None) -> tuple[Filter, ...]:
    """Return filters, given as ids, ids with values, or instances, fitted to maps of `size` (height, width)."""
    register()
    return tuple(_fitted(filter_like, size) for filter_like in filters)


def _fitted(filter_like: FilterLike, size: tuple[int, int] | None) -> Filter:
    if isinstance(filter_like, Filter):
        return filter_like
    filter_id, values = (filter_like, {}) if isinstance(filter_like, str) else filter_like
    return filter_named(filter_id).fitted(size, values)


def _plain(param: Param | None, value: Any) -> Any:
    if param is None or param.kind is not tuple:
        return value
    return (value,) if isinstance(value, str) else tuple(value)


def _row(method: type[Catalogued]) -> dict[str, str]:
    return {
        "id": method.id,
        "class": method.__name__,
        "group": method.group,
        "what it does": summary(method),
        "needs": needs_in_words(method),
    }
