"""Weights alone of a network in keras.applications: which network they belong to, by their shapes.

The index is written by scripts/build_applications_index.py. Names and the order of layers changed between versions of
Keras and formats of files, so a fingerprint hashes the sorted shapes of all weights, with the number of classes left
open.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import prod
from typing import Any

Shape = tuple[int, ...]
CLASSES = -1  # stands for the number of classes in a shape
FEWEST = 4  # a weight with fewer values, as of a normalisation of colours, is kept in some formats only
NOT_WEIGHTS = ("optimizer", "optimizer_weights", "metrics")


@dataclass(frozen=True)
class Application:
    """A network of keras.applications: its function there and the arguments. classes: None without a top."""

    function: str
    settings: Mapping[str, Any]
    classes: int | None

    @property
    def name(self) -> str:
        more = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"keras.applications.{self.function}" + (f"({more})" if more else "")


def shapes_in(group: Any) -> Iterator[Shape]:
    """Yield the shapes of the weights in an HDF5 file, without those of an optimizer."""
    for name in group:
        member = group[name]
        if hasattr(member, "keys"):
            if name not in NOT_WEIGHTS:
                yield from shapes_in(member)
        else:
            yield tuple(int(side) for side in member.shape)


def find(shapes: Iterable[Shape]) -> Application | None:
    """Return the network whose weights have exactly these shapes, in any order; None if there is none."""
    counted = Counter(shapes)
    if entry := _index().get(fingerprint(counted)):
        return Application(entry[0], entry[1], None)
    for kernel in sorted((shape for shape in counted if len(shape) > 1), key=len):
        classes = kernel[-1]
        if counted[(classes,)] and (entry := _index().get(fingerprint(_open(counted, kernel)))):
            return Application(entry[0], entry[1], classes)
    return None


def fingerprint(shapes: Iterable[Shape] | Counter[Shape]) -> str:
    """Hash shapes in any order; those of very small weights do not count."""
    counts = [(shape, count) for shape, count in Counter(shapes).items() if count]
    lines = sorted(f"{list(shape)} {n}" for shape, n in counts if CLASSES in shape or prod(shape) >= FEWEST)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _open(counted: Counter[Shape], kernel: Shape) -> Counter[Shape]:
    """Return the shapes with the last size of a kernel and of a bias left open."""
    bias = (kernel[-1],)
    opened = counted.copy()
    opened.subtract([kernel, bias])
    opened.update([(*kernel[:-1], CLASSES), (CLASSES,)])
    return opened


@cache
def _index() -> dict[str, tuple[str, dict[str, Any]]]:
    entries = json.loads(files(__package__).joinpath("data/applications.json").read_text("utf-8"))
    return {mark: (function, settings) for function, settings, *marks in entries for mark in marks}
