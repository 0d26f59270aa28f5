"""Find by trial what a network that brings its own code takes and gives."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from model_adapters.common.probes import noise
from model_adapters.pytorch.answers import SeveralOutputs, answer
from xai_core.errors import ModelError, UnsupportedModel
from xai_core.preprocessing import MOST_BANDS
from xai_core.types import InputSpec

COMMON_SIDES = (224, 32, 28, 64, 96, 100, 128, 150, 299, 256, 384, 512)
RARE_SIDES = (16, 48, 50, 84, 112, 160, 176, 180, 192, 200, 208, 227, 240, 260, 288, 300, 320, 331, 380, 400, 448, 480)
SIDES = COMMON_SIDES + RARE_SIDES
FARTHER = 32  # added to a side that works, to test for free sizes; most networks halve a side five times
SMALL = {1: 28, 3: 32}  # sides of MNIST and CIFAR pictures, by channels
SMALL_CLASSES = 100
CONVOLUTIONS = ("aten::_convolution", "aten::conv2d")
VOLUME = 5  # axes of a kernel that moves in three dimensions
VOLUMES = (
    "This network takes videos or volumes: its convolutions move in three dimensions. A classifier of single pictures "
    "is needed."
)
FREE_SIZE = "The network takes pictures of any size; {0}x{0} pixels are a guess from its first layer."


@dataclass(frozen=True)
class Stem:
    """The first convolution of a network: its input channels and its stride in pixels."""

    channels: int
    stride: int


def find_input(module: Any, first: InputSpec | None = None) -> tuple[InputSpec, tuple[str, ...]]:
    """Return the input that a module takes, with notes; UnsupportedModel if it takes no picture that was tried.

    first: an input to try before the usual ones; it has a height and a width.
    """
    if _takes_volumes(module):
        raise UnsupportedModel(VOLUMES)
    failure: UnsupportedModel | None = None
    for spec in [*([first] if first else []), *_candidates(module)]:
        try:
            if (answer := _answer(module, spec)) is not None:
                return _as_expected(module, spec) if spec is first else _detailed(module, spec, answer.shape[1])
        except SeveralOutputs:
            raise
        except UnsupportedModel as error:
            failure = failure or error
    raise failure or UnsupportedModel(
        f"The model took no picture of {min(SIDES)} to {max(SIDES)} pixels. "
        "A classifier of square pictures is needed; export it as ONNX to keep its input size."
    )


def _takes_volumes(module: Any) -> bool:
    """Whether a network convolves in three dimensions, and never in two."""
    axes = {tensor.dim() for tensor in module.parameters()}
    return VOLUME in axes and VOLUME - 1 not in axes


def _candidates(module: Any) -> Iterator[InputSpec]:
    stem = _stem(module)
    for channels in [stem.channels] if stem and stem.channels <= MOST_BANDS else [3, 1]:
        for side in SIDES:
            yield InputSpec(side, side, channels)


def _as_expected(module: Any, spec: InputSpec) -> tuple[InputSpec, tuple[str, ...]]:
    return replace(spec, batch=None if _takes_batches(module, spec) else 1), ()


def _detailed(module: Any, spec: InputSpec, classes: int) -> tuple[InputSpec, tuple[str, ...]]:
    assert spec.height is not None
    batch = None if _takes_batches(module, spec) else 1
    farther = InputSpec(spec.height + FARTHER, spec.height + FARTHER, spec.channels)
    try:
        rows = _answer(module, farther)
    except UnsupportedModel:
        rows = None
    if rows is None or rows.shape[1] != classes:
        return InputSpec(spec.height, spec.height, spec.channels, batch=batch), ()
    stem = _stem(module)
    if stem and stem.stride == 1 and classes <= SMALL_CLASSES:
        side = SMALL.get(spec.channels, SMALL[3])
        return InputSpec(side, side, spec.channels, batch=batch), (FREE_SIZE.format(side),)
    return InputSpec(None, None, spec.channels, batch=batch), ()


def _takes_batches(module: Any, spec: InputSpec) -> bool:
    """Whether two pictures in a batch get the same answers as alone."""
    both = noise(spec, 2)
    try:
        together = ask(module, both)
    except ModelError:
        return False
    return len(together) == 2 and np.allclose(together[:1], ask(module, both[:1]), rtol=1e-3, atol=1e-4, equal_nan=True)


def ask(module: Any, inputs: Any) -> Any:
    """Return outputs (N, K) for inputs (N, H, W, C), both in NumPy; ModelError if the module fails on them."""
    tensor = torch.from_numpy(inputs).permute(0, 3, 1, 2).contiguous()
    with torch.inference_mode():
        return answer(module, tensor).numpy()


def _answer(module: Any, spec: InputSpec) -> Any:
    try:
        outputs = ask(module, noise(spec, 1))
    except UnsupportedModel:
        raise
    except ModelError as error:
        if type(error) is not ModelError:
            raise
        return None
    return outputs if len(outputs) == 1 and outputs.shape[1] > 0 else None


def _stem(module: Any) -> Stem | None:
    module = getattr(module, "whole", module)
    if isinstance(module, torch.jit.ScriptModule):
        return _stem_of_graph(module)
    first = next((m for m in module.modules() if isinstance(m, torch.nn.Conv2d)), None)
    return None if first is None else Stem(first.in_channels, max(first.stride))


def _stem_of_graph(module: Any) -> Stem | None:
    graph = module.inlined_graph
    nodes = [node for kind in CONVOLUTIONS for node in graph.findAllNodes(kind, True)]
    if not nodes:
        return None
    _, weight, _, stride = [value.node() for value in nodes[0].inputs()][:4]
    strides = stride.output().toIValue() or [value.toIValue() for value in stride.inputs()]
    tensor = _attribute(module, weight)
    if not isinstance(tensor, torch.Tensor) or not strides or None in strides:
        return None
    return Stem(tensor.shape[1], max(strides))


def _attribute(module: Any, node: Any) -> Any:
    """Return the object at the end of a chain of attribute reads in a graph, None if there is no such chain."""
    path = []
    while node.kind() == "prim::GetAttr":
        path.append(node.s("name"))
        node = next(node.inputs()).node()
    return functools.reduce(lambda part, name: getattr(part, name, None), reversed(path), module) if path else None
