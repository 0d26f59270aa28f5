"""Published tables of bias metrics, to practise reading on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from xai_core.bias.values import Value


@dataclass(frozen=True)
class PublishedModel:
    """A model's published numbers, by the ids of `SUMMARY_METRICS`; None where none was printed.

    heads: the accuracy of each head, by name.
    """

    name: str
    accuracy: float
    degree_of_bias: float
    precision_std: Value = None
    macro_precision: Value = None
    macro_recall: Value = None
    heads: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedTable:
    """Models that were compared. origin: where the numbers were printed. reading: what they show."""

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
