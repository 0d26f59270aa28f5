"""The state dict of a whole module that was saved with torch.save(model), from its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from model_adapters.files.records import Record
from xai_core.errors import RefusedModel

MOST_PARTS, LONGEST_NAME = 100_000, 1_000  # modules and weights; letters
TOO_MANY = f"The module has more than {MOST_PARTS:,} parts or contains itself. Save its state dict instead."


def is_module(thing: Any) -> bool:
    """Whether a record is of an nn.Module."""
    if not isinstance(thing, Record):
        return False
    attributes = thing.attributes
    return all(isinstance(parts_of(attributes, name), Mapping) for name in ("_parameters", "_buffers", "_modules"))


def parts_of(attributes: Mapping[Any, Any], name: str) -> Any:
    """Return a module's parameters, buffers or modules; a mapping of its own class is a record with pairs."""
    value = attributes.get(name)
    return value.pairs if isinstance(value, Record) else value


def weights(module: Record) -> dict[str, Any]:
    """Return the records of what module.state_dict() would hold; RefusedModel if there are too many."""
    found: dict[str, Any] = {}
    waiting, seen = [("", module)], 0
    while waiting:
        prefix, part = waiting.pop()
        seen += 1
        if max(seen, len(found)) > MOST_PARTS or len(prefix) > LONGEST_NAME:
            raise RefusedModel(TOO_MANY)
        attributes = part.attributes
        found.update((f"{prefix}{name}", value) for name, value in _own(attributes))
        inner = parts_of(attributes, "_modules").items()
        waiting += [(f"{prefix}{name}.", child) for name, child in inner if is_module(child)][::-1]
    return found


def _own(attributes: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a module's own parameters, then its buffers but for those that are not saved."""
    passing = _names(attributes.get("_non_persistent_buffers_set"))
    for name, value in parts_of(attributes, "_parameters").items():
        if value is not None:
            yield name, value
    for name, value in parts_of(attributes, "_buffers").items():
        if value is not None and name not in passing:
            yield name, value


def _names(record: Any) -> frozenset[Any]:
    """Return the items of a set, which protocols below 4 write as a call."""
    if isinstance(record, set | frozenset):
        return frozenset(record)
    items = record.arguments[0] if isinstance(record, Record) and record.arguments else ()
    return (
        frozenset(item for item in items if isinstance(item, str)) if isinstance(items, list | tuple) else frozenset()
    )
