"""Put a head of its own on a known trunk: several layers instead of one, or a head that lies beside the trunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from model_adapters.pytorch.architecture_index import Shapes, first_part
from model_adapters.pytorch.finding import chains
from model_adapters.pytorch.finding.chains import Step
from model_adapters.pytorch.finding.names import Names

MOST_BESIDE = 100  # matrices outside a network; more are no head
PARTS = ("weight", "bias", "running_mean", "running_var")


@dataclass(frozen=True)
class OwnHead:
    """A head read from shapes.

    path: the submodule that it replaces. container: what stands before its names in the file. beside: whether it lies
    outside the network that it is put on.
    """

    path: str
    container: str
    steps: tuple[Step, ...]
    beside: bool = False

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.steps[-1].outputs

    def put_on(self, module: Any) -> Any:
        """Return the module with this head."""
        module.set_submodule(self.path, chains.build_chain(self.steps)[0])
        return module

    def names(self, shapes: Shapes) -> dict[str, str]:
        """Return the names of the head's tensors in the file by those in the module."""
        places = chains.build_chain(self.steps)[1]
        names = {}
        for name in shapes:
            layer, _, leaf = name[len(self.container) :].rpartition(".")
            if name.startswith(self.container) and layer in places:
                names[f"{self.path}.{places[layer]}.{leaf}"] = name
        return names

    def note(self) -> str:
        """Say what was assumed, "" if nothing was."""
        return " ".join(filter(None, (self._place_note(), self._layers_note())))

    def _place_note(self) -> str:
        if not self.beside:
            return ""
        layers = self.container.rstrip(".")[:80] or ", ".join(step.name[:80] for step in self.steps)
        return f"The file names no head of this network; {layers} is used as one, with {self.classes} classes."

    def _layers_note(self) -> str:
        widths = " to ".join(map(str, chains.widths(self.steps)))
        assumed = chains.activations(self.steps)
        if not assumed:
            return "" if len(self.steps) == 1 else f"The head has {len(self.steps)} layers, from {widths} values."
        norms = sum(step.kind != "linear" for step in self.steps)
        normed = f" and {norms} {'norm' if norms == 1 else 'norms'}" if norms else ""
        return (
            f"The head was rebuilt from the shapes of its tensors: linear layers from {widths} values{normed}. "
            "The file does not hold the activation between them; ReLU is assumed. If you used another one, export the "
            "whole model as TorchScript or ONNX."
        )


def own_head(names: Names, prefix: str, reference: Shapes, head_name: str, used: Shapes) -> OwnHead | None:
    """Return the head that belongs to a trunk behind `prefix`, None if no tensors make one.

    reference: the network's own shapes. head_name: the name of its last layer's weight. used: the trunk's shapes.
    """
    path = head_name.rpartition(".")[0]
    part = first_part(path)
    under = {name: shape for name, shape in names.under(prefix).items() if first_part(name) == part}
    if not under:
        return _beside(names, prefix, part, used)
    same = _without(under, path) == _without(_part(reference, part), path)
    place = path if same and len(_without(under, path)) < len(under) else part
    return _read(names, prefix + place + ".", place)


def _part(reference: Shapes, part: str) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, shape in reference.items() if first_part(name) == part}


def _without(shapes: Mapping[str, tuple[int, ...]], path: str) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, shape in shapes.items() if not name.startswith(f"{path}.")}


def _beside(names: Names, prefix: str, path: str, used: Shapes) -> OwnHead | None:
    """Return the only head among the tensors that are not the trunk's."""
    taken = {prefix + name for name in used}
    rest = [name for name in names.shapes if name not in taken and len(names.shapes[name]) == 2]
    if len(rest) > MOST_BESIDE:
        return None
    containers = {container for name in rest for container in _containers(name) if not _holds(names, container, taken)}
    heads = [head for container in sorted(containers, key=len) if (head := _read(names, container, path))]
    largest = [h for h in heads if not any(h is not o and h.container.startswith(o.container) for o in heads)]
    if len(largest) == 1:
        return replace(largest[0], beside=True)
    steps = chains.read_chain({name: shape for name, shape in names.shapes.items() if _is_left(name, shape, taken)})
    return OwnHead(path, "", steps, beside=True) if steps else None


def _is_left(name: str, shape: tuple[int, ...], taken: set[str]) -> bool:
    return name not in taken and name.rpartition(".")[2] in PARTS and 1 <= len(shape) <= 2


def _containers(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) + "." for count in range(1, len(parts))]


def _holds(names: Names, container: str, taken: set[str]) -> bool:
    return any(name.startswith(container) for name in taken)


def _read(names: Names, container: str, path: str) -> OwnHead | None:
    steps = chains.read_chain(names.under(container))
    return OwnHead(path, container, steps) if steps else None
