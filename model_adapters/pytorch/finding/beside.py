"""Tensors of a checkpoint beside its network: a mean and a standard deviation, further layers, loss weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from model_adapters.pytorch.architecture_index import counts
from model_adapters.pytorch.finding.blueprint import Blueprint
from model_adapters.pytorch.finding.names import Names
from xai_core.preprocessing import Preprocessing

MOST_NAMES = 3
LARGEST_UNIT_MEAN = 2.0  # a larger mean is one of values in 0..255


@dataclass(frozen=True)
class Normalisation:
    """A mean and a standard deviation in the file, with the names of both tensors."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    names: tuple[str, str]

    def on(self, look: Preprocessing) -> Preprocessing:
        """Return a preprocessing with this mean and standard deviation."""
        scale = 255.0 if max(map(abs, self.mean)) > LARGEST_UNIT_MEAN else 1.0
        return replace(look, mean=self.mean, std=self.std, scale=scale)

    @property
    def reason(self) -> str:
        """Say where it comes from."""
        return f"The file holds its mean and standard deviation, {self.names[0]} and {self.names[1]}."


def normalisation(tensors: Mapping[str, Any], used: Collection[str], channels: int) -> Normalisation | None:
    """Return the mean and standard deviation that a layer in front of the network holds, None if there is none."""
    for name in tensors:
        parent, _, leaf = name.rpartition(".")
        if name in used or leaf not in ("mean", "_mean", "pixel_mean"):
            continue
        partner = f"{parent}.{leaf.replace('mean', 'std')}".lstrip(".")
        if partner in tensors and (values := _values(tensors[name], tensors[partner], channels)):
            return Normalisation(*values, (name[:80], partner[:80]))
    return None


def left_over(names: Names, used: Collection[str], prefix: str) -> list[str]:
    """Return the names of the tensors that belong to no network and are more than one number."""
    auxiliary = {name for name in names.shapes if name.startswith(prefix) and not counts(name[len(prefix) :])}
    taken = {*used, *auxiliary}
    return [name for name, shape in names.shapes.items() if shape and name not in taken]


def left_over_note(rest: list[str]) -> tuple[str, ...]:
    """Say how many tensors were not used, and which."""
    if not rest:
        return ()
    few = ", ".join(name[:80] for name in rest[:MOST_NAMES]) + (", ..." if len(rest) > MOST_NAMES else "")
    count = "1 tensor of the file is" if len(rest) == 1 else f"{len(rest)} tensors of the file are"
    return (
        f"{count} not part of the network and not used: {few}. If the model computes its classes with "
        f"{'it' if len(rest) == 1 else 'them'}, export the whole model as TorchScript or ONNX.",
    )


def with_normalisation(plan: Blueprint, layer: Normalisation | None) -> Blueprint:
    """Return the blueprint with the preprocessing of a layer in front of it."""
    return replace(plan, look=layer.on(plan.look), reason=layer.reason, look_known=True) if layer else plan


def _values(mean: Any, std: Any, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if mean.numel() != channels or std.numel() != channels or not mean.is_floating_point():
        return None
    means, deviations = _floats(mean.flatten().tolist()), _floats(std.flatten().tolist())
    return (means, deviations) if min(deviations) > 0 else None


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)
