"""Published tables of bias figures, to practise reading on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from xai_core.bias.classes import Mark


@dataclass(frozen=True)
class PublishedModel:
    """A model's figures as they were printed; None where they were not. heads: the accuracy of each, by name."""

    name: str
    accuracy: float
    degree_of_bias: float
    precision_std: Mark = None
    macro_precision: Mark = None
    macro_recall: Mark = None
    heads: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedTable:
    """Models that were compared. origin: where the figures were printed. reading: what can be read from them."""

    title: str
    origin: str
    reading: str
    models: tuple[PublishedModel, ...]


@cache
def published_tables() -> tuple[PublishedTable, ...]:
    """Return the published tables."""
    text = files("xai_core.bias").joinpath("data/published.json").read_text("utf-8")
    return tuple(_table(entry) for entry in json.loads(text))


def _table(entry: dict[str, Any]) -> PublishedTable:
    models = tuple(PublishedModel(**model) for model in entry["models"])
    return PublishedTable(entry["title"], entry["origin"], entry["reading"], models)
