"""Identify the torchvision or timm architecture of a bare state dict from its names and shapes.

The index is written by scripts/build_architecture_index.py. A fingerprint hashes the names and shapes of all
floating-point tensors, with the number of classes and of input channels left open.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from xai_core.preprocessing import Preprocessing

Shapes = Mapping[str, tuple[int, ...]]
AUXILIARY = ("AuxLogits.", "aux1.", "aux2.")  # heads used in training only
WRAPPED = ("weight", "bias")
DERIVED = ("attn_mask", "relative_coords_table")  # buffers that some versions store and others compute


@dataclass(frozen=True)
class Architecture:
    """One entry of the index; `head` and `stem` name the tensors whose shapes give the classes and the channels.

    fixed_size: whether it takes pictures of the declared size only.
    """

    name: str
    mark: str
    head: tuple[str, ...]
    stem: str
    declared: Preprocessing
    fixed_size: bool


@dataclass(frozen=True)
class Match:
    """The architecture of a state dict; `others` are names of architectures with exactly the same tensors."""

    architecture: Architecture
    others: tuple[str, ...]
    classes: int
    channels: int


def names() -> tuple[str, ...]:
    """Return the names of all known architectures, such as "torchvision/resnet18", without importing a framework."""
    return tuple(_index())


def named(name: str) -> Architecture | None:
    """Return the architecture called `name`, None if there is none."""
    return _index().get(name)


def find(shapes: Shapes) -> Match | None:
    """Return the architecture whose tensors have exactly these names and shapes, None if there is none."""
    shapes = {name: shape for name, shape in shapes.items() if counts(name)}
    for head, stem in _ends():
        if _has_ends(shapes, head, stem) and (same := _by_mark().get(fingerprint(shapes, head, stem))):
            return _match(shapes, same[0], same[1:])
    return None


def fit(shapes: Shapes, architecture: Architecture) -> Match | None:
    """Return the match with this architecture, None if names or shapes differ."""
    shapes = {name: shape for name, shape in shapes.items() if counts(name)}
    head, stem = architecture.head, architecture.stem
    if _has_ends(shapes, head, stem) and fingerprint(shapes, head, stem) == architecture.mark:
        return _match(shapes, architecture)
    return None


def counts(name: str) -> bool:
    """Whether a tensor of this name helps to distinguish architectures."""
    return not (name.startswith(AUXILIARY) or name.endswith(DERIVED))


def plain_head_name(name: str, names: Collection[str]) -> str:
    """Return "fc.weight" for "fc.1.weight", the only layer with weights in an nn.Sequential that replaced a head.

    Fine-tuning often adds dropout before a new last layer in this way. Other names are returned unchanged.
    """
    parts = name.split(".")
    if len(parts) < 3 or not parts[-2].isdigit():
        return name
    first, last = ".".join(parts[:-2]), parts[-1]
    inside = {sibling for sibling in names if sibling.startswith(f"{first}.")}
    plain = f"{first}.{last}"
    return plain if plain in _head_names() and inside <= {f"{first}.{parts[-2]}.{w}" for w in WRAPPED} else name


def fingerprint(shapes: Shapes, head: tuple[str, ...], stem: str) -> str:
    """Hash names and shapes, except for the first dimension of `head` and the second of `stem`."""

    def line(name: str) -> str:
        shape: list[Any] = list(shapes[name])
        if name in head:
            shape[0] = "classes"
        if name == stem:
            shape[1] = "channels"
        return f"{name}:{shape}"

    return hashlib.sha256("\n".join(map(line, sorted(shapes))).encode()).hexdigest()[:16]


def _has_ends(shapes: Shapes, head: tuple[str, ...], stem: str) -> bool:
    return all(shapes.get(name) for name in head) and (not stem or len(shapes.get(stem, ())) > 1)


def _match(shapes: Shapes, architecture: Architecture, others: Iterable[Architecture] = ()) -> Match:
    channels = shapes[architecture.stem][1] if architecture.stem else 3
    classes = shapes[architecture.head[0]][0]
    return Match(architecture, tuple(candidate.name for candidate in others), classes, channels)


@cache
def _file() -> dict[str, Any]:
    text = files(__package__).joinpath("data/architectures.json").read_text("utf-8")
    return dict(json.loads(text))


@cache
def _index() -> dict[str, Architecture]:
    file = _file()
    heads = [tuple(head) for head in file["heads"]]
    declared = [Preprocessing.from_json(values) for values in file["declared"]]
    return {
        name: Architecture(name, mark, heads[head], file["stems"][stem], declared[look], bool(fixed))
        for name, (mark, head, stem, look, fixed) in file["architectures"].items()
    }


@cache
def _by_mark() -> dict[str, list[Architecture]]:
    by_mark: dict[str, list[Architecture]] = {}
    for architecture in _index().values():
        by_mark.setdefault(architecture.mark, []).append(architecture)
    return by_mark


@cache
def _head_names() -> frozenset[str]:
    return frozenset(name for head, _ in _ends() for name in head)


@cache
def _ends() -> tuple[tuple[tuple[str, ...], str], ...]:
    return tuple(dict.fromkeys((a.head, a.stem) for a in _index().values()))
