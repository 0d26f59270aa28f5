"""How a network ends: with its own last layer, or with a head that its file holds instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from model_adapters.pytorch.architecture_index import Shapes, counts, first_part
from model_adapters.pytorch.finding import chains
from model_adapters.pytorch.finding.heads import OwnHead, own_head
from model_adapters.pytorch.finding.names import Names

Made = Callable[[int, int], Any]  # builds a network for a number of classes and of channels
TRIED_CLASSES = 7
FAILURES = (RuntimeError, AssertionError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class Ending:
    """The end of a network.

    names: of its tensors in the file, by those in the module. build: makes the whole network. note: what is assumed.
    """

    classes: int
    names: Mapping[str, str]
    build: Callable[[], Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Headless:
    """A network whose trunk was found behind a prefix.

    head: the names of its last layer's tensors. side: of pictures that it takes, in pixels.
    """

    prefix: str
    trunk: Shapes
    made: Made
    head: tuple[str, ...]
    channels: int
    side: int


def ending_of(network: Headless, names: Names) -> Ending | None:
    """Return how a network ends, None if the file holds no head that takes what the trunk gives."""
    reference = shapes_of(lambda: network.made(TRIED_CLASSES, network.channels))
    parts = {first_part(name) for name in network.head}
    own = {name: shape for name, shape in names.under(network.prefix).items() if first_part(name) in parts}
    wanted = {name: shape for name, shape in reference.items() if first_part(name) in parts}
    if _same_but_for_classes(own, wanted, network.head):
        classes = own[network.head[0]][0]
        files = {name: network.prefix + name for name in own}
        return Ending(classes, files, lambda: network.made(classes, network.channels))
    head = own_head(names, network.prefix, reference, network.head[0], network.trunk)
    return _with_head(network, head, own, names) if head and _takes(head, network) else None


def shapes_of(made: Callable[[], Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a module's floating-point tensors, without memory for them if possible."""
    try:
        with torch.device("meta"):
            tensors = made().state_dict()
    except NotImplementedError:  # RegNet reads its widths back from tensors
        tensors = made().state_dict()
    return {n: tuple(t.shape) for n, t in tensors.items() if t.is_floating_point() and counts(n)}


def _with_head(network: Headless, head: OwnHead, own: Shapes, names: Names) -> Ending:
    kept = {name: network.prefix + name for name in own if not name.startswith(f"{head.path}.")}
    note = head.note()
    return Ending(
        head.classes,
        {**kept, **head.names(names.shapes)},
        lambda: head.put_on(network.made(TRIED_CLASSES, network.channels)),
        (note,) if note else (),
    )


def _same_but_for_classes(own: Shapes, wanted: Shapes, head: tuple[str, ...]) -> bool:
    """Whether a network has its usual last layer; only the number of classes may differ."""
    if own.keys() != wanted.keys() or len({own[name][:1] for name in head}) != 1:
        return False
    return all(own[name][name in head :] == wanted[name][name in head :] for name in wanted)


def _takes(head: OwnHead, network: Headless) -> bool:
    """Whether a head takes as many values as the network gives to the layers that it replaces."""
    wanted = chains.widths(head.steps)[0] if head.steps[0].kind == "linear" else head.steps[0].inputs
    with torch.device("meta"):
        return wanted == _given_to(head.path, network)


def _given_to(path: str, network: Headless) -> int:
    """Return how many values enter a submodule for one picture; 0 if that cannot be found out."""
    given: list[int] = []
    module = network.made(TRIED_CLASSES, network.channels).eval()
    module.get_submodule(path).register_forward_pre_hook(lambda _, inputs: given.append(inputs[0][0].numel()))
    try:
        module(torch.empty(1, network.channels, network.side, network.side, device="meta"))
    except FAILURES:
        return 0
    return given[0] if given else 0
