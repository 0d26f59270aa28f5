"""Identify the torchvision or timm architecture of a bare state dict from its names and shapes.

The index is written by scripts/build_architecture_index.py. A fingerprint hashes the names and shapes of all
floating-point tensors, with the number of classes and of input channels left open. The fingerprint of the trunk leaves
out the part that holds the head, so that a network is recognised even if its head was replaced.
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
VIT_HEADS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)  # choices for a VisionTransformer of any size
DERIVED = ("attn_mask", "relative_coords_table")  # buffers that some versions store and others compute


@dataclass(frozen=True)
class Architecture:
    """One entry of the index; `head` and `stem` name the tensors whose shapes give the classes and the channels.

    fixed_size: whether it takes pictures of the declared size only. trunk: the fingerprint of `parts`, the submodules
    and parameters at the top that hold no head.
    """

    name: str
    mark: str
    head: tuple[str, ...]
    stem: str
    declared: Preprocessing
    fixed_size: bool
    trunk: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """The architecture of a state dict; `others` are names of architectures with exactly the same tensors."""

    architecture: Architecture
    others: tuple[str, ...]
    classes: int
    channels: int


def names() -> tuple[str, ...]:
    """Return the names of all known architectures, such as "torchvision/resnet18", without importing a framework.

    The last ones, such as "vit/4_heads", stand for a VisionTransformer of any size, whose shapes do not say its heads.
    """
    return (*_index(), *(f"vit/{count}_head{'s' * (count > 1)}" for count in VIT_HEADS))


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


def parts_without_head(names: Iterable[str], head: Iterable[str]) -> tuple[str, ...]:
    """Return the first parts of dotted names, sorted, except those that a head tensor starts with."""
    return tuple(sorted({first_part(name) for name in names} - {first_part(name) for name in head}))


def first_part(name: str) -> str:
    """Return "layer1" for "layer1.0.conv1.weight"."""
    return name.partition(".")[0]


def by_stem() -> Mapping[str, Mapping[tuple[str, ...], Mapping[str, list[Architecture]]]]:
    """Return the architectures by their stem, the parts of their trunk, and its fingerprint; some have no stem."""
    return _by_stem()


def endings() -> frozenset[str]:
    """Return the names of first layers; for a network without one, those of its head."""
    return frozenset(name for head, stem in _ends() for name in ([stem] if stem else head))


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
    parts = [tuple(names) for names in file["parts"]]
    return {
        name: Architecture(
            name, mark, heads[head], file["stems"][stem], declared[look], bool(fixed), trunk, parts[trunk_parts]
        )
        for name, (mark, head, stem, look, fixed, trunk, trunk_parts) in file["architectures"].items()
    }


@cache
def _by_stem() -> dict[str, dict[tuple[str, ...], dict[str, list[Architecture]]]]:
    by_stem: dict[str, dict[tuple[str, ...], dict[str, list[Architecture]]]] = {}
    for architecture in _index().values():
        if architecture.parts:
            groups = by_stem.setdefault(architecture.stem, {}).setdefault(architecture.parts, {})
            groups.setdefault(architecture.trunk, []).append(architecture)
    return by_stem


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
