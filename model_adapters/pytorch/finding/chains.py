"""A head of several layers, rebuilt from the shapes of its tensors.

Shapes give the linear layers and the norms. Activations and dropout have no tensors. Dropout does nothing after
training. A ReLU is assumed between two linear layers, at the first place that the numbers of an nn.Sequential leave
free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch

from model_adapters.pytorch.architecture_index import Shapes

Kind = Literal["linear", "batch norm", "layer norm"]
MOST_LAYERS = 12


@dataclass(frozen=True)
class Step:
    """A layer of a head: its name within it ("" for the head itself), its kind and how many values go in and out."""

    name: str
    kind: Kind
    inputs: int
    outputs: int
    biased: bool


def read_chain(shapes: Shapes) -> tuple[Step, ...] | None:
    """Return the layers of a head in their order, None if these tensors are no chain that ends in a linear layer.

    shapes: by names such as "1.weight"; an nn.Sequential is ordered by its numbers, anything else by the file.
    """
    layers: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in shapes.items():
        layer, _, leaf = name.rpartition(".")
        layers.setdefault(layer, {})[leaf] = shape
    if len(layers) > MOST_LAYERS:
        return None
    steps = [_step(name, leaves) for name, leaves in sorted(layers.items(), key=lambda item: _numbers(item[0]))]
    whole = [step for step in steps if step]
    return tuple(whole) if len(whole) == len(steps) and _connected(whole) else None


def build_chain(steps: tuple[Step, ...]) -> tuple[Any, dict[str, str]]:
    """Return the head as an nn.Sequential, and the names of its layers by those of the steps."""
    layers: list[Any] = [torch.nn.Flatten(1)]
    names = {}
    for place, step in enumerate(steps):
        if _has_activation_before(place, steps):
            layers.append(torch.nn.ReLU())
        names[step.name] = str(len(layers))
        layers.append(_layer(step))
    return torch.nn.Sequential(*layers), names


def widths(steps: Iterable[Step]) -> tuple[int, ...]:
    """Return the widths between the linear layers, such as (512, 128, 5)."""
    linear = [step for step in steps if step.kind == "linear"]
    return (linear[0].inputs, *(step.outputs for step in linear))


def activations(steps: tuple[Step, ...]) -> int:
    """Return how many ReLUs are assumed."""
    return sum(_has_activation_before(place, steps) for place in range(len(steps)))


def _step(name: str, leaves: dict[str, tuple[int, ...]]) -> Step | None:
    weight, bias = leaves.get("weight", ()), leaves.get("bias")
    if not weight or not leaves.keys() <= {"weight", "bias", "running_mean", "running_var"}:
        return None
    if any(shape != weight[:1] for leaf, shape in leaves.items() if leaf != "weight"):
        return None
    if len(weight) == 2 and leaves.keys() <= {"weight", "bias"}:
        return Step(name, "linear", weight[1], weight[0], bias is not None)
    if len(weight) != 1 or bias is None:
        return None
    return Step(name, "batch norm" if "running_var" in leaves else "layer norm", weight[0], weight[0], True)


def _connected(steps: list[Step]) -> bool:
    fits = all(before.outputs == after.inputs for before, after in pairwise(steps))
    return bool(steps) and fits and steps[-1].kind == "linear"


def _numbers(name: str) -> tuple[int, ...]:
    """Return the numbers of an nn.Sequential for sorting; other names keep the order of the file."""
    parts = name.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() and len(part) < 5 for part in parts) else ()


def _has_activation_before(place: int, steps: tuple[Step, ...]) -> bool:
    """Whether an activation is assumed before this step: in the first gap after a linear layer."""
    linear = max((n for n in range(place) if steps[n].kind == "linear"), default=None)
    if linear is None or not any(step.kind == "linear" for step in steps[place:]):
        return False
    return _gap(steps, place) and not any(_gap(steps, n) for n in range(linear + 1, place))


def _gap(steps: tuple[Step, ...], place: int) -> bool:
    """Whether something without tensors may stand before a step. Without numbers, that is before a linear layer."""
    before, after = _numbers(steps[place - 1].name), _numbers(steps[place].name)
    if len(before) == len(after) == 1:
        return after[0] - before[0] > 1
    return steps[place].kind == "linear"


def _layer(step: Step) -> Any:
    if step.kind == "linear":
        return torch.nn.Linear(step.inputs, step.outputs, step.biased)
    return torch.nn.BatchNorm1d(step.outputs) if step.kind == "batch norm" else torch.nn.LayerNorm(step.outputs)
