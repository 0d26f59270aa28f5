"""Rebuild an ONNX graph in PyTorch, which has gradients and accessible layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch

from model_adapters.common.probes import agree
from model_adapters.onnx.conversion import complete_copy, modules
from model_adapters.onnx.session import Wiring, as_numbers
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.segmentation.maps import Maps
from model_adapters.pytorch.segmentation.network import TorchSegmenter
from xai_core.types import Card, Floats

Twin = TypeVar("Twin")
ADVICE = "Use the PyTorch or Keras file, or choose a method that needs predictions only."
TOLERANCE = 1e-3
DIFFERS = f"This ONNX model gives predictions only, as its differentiable copy differs from it. {ADVICE}"


def twin_or_reason(
    model: Any, wiring: Wiring, card: Card, folder: str | None, inputs: list[Floats], outputs: list[Floats]
) -> tuple[TorchNetwork | None, str]:
    """Return the graph in PyTorch and "", or None and a sentence that says why there is none.

    For `inputs` (N, H, W, C) it must give ONNX Runtime's `outputs` (N, K). folder: where outside weights are stored.
    """
    if not all(np.isfinite(o).all() for o in outputs):
        return None, "This ONNX model returns values that are not numbers, so it has no gradient."
    taken = [as_numbers(i, wiring) for i in inputs]

    def made(module: Any) -> TorchNetwork | None:
        twin = TorchNetwork(rows_of(module, wiring.batched), card)
        answers = [twin.forward(i) for i in taken]
        twin.backward(taken[0][:1], np.zeros(1, np.int64), "logit")
        return twin if agree(answers, outputs, TOLERANCE) else None

    return _first_that_agrees(made, model, wiring, folder)


def maps_twin_or_reason(
    model: Any,
    wiring: Wiring,
    channels_first: bool,
    card: Card,
    folder: str | None,
    inputs: list[Floats],
    outputs: list[Floats],
) -> tuple[TorchSegmenter | None, str]:
    """Return the graph of a segmentation network in PyTorch and "", or None and a sentence that says why there is none.

    For `inputs` (N, H, W, C) it must give ONNX Runtime's maps (N, h, w, C), `outputs`. channels_first: how the graph
    lays them out.
    """

    def made(module: Any) -> TorchSegmenter | None:
        planes = planes_of(module, channels_first, wiring.batched)
        twin = TorchSegmenter(planes, card, Maps(gives=card.gives, channels=outputs[0].shape[-1]))
        answers = [twin.maps(as_numbers(batch, wiring)) for batch in inputs]
        twin.backward(as_numbers(inputs[0][:1], wiring), np.zeros(1, np.int64), card.gives)
        pairs = zip(answers, outputs, strict=True)
        alike = all(np.allclose(a, b, rtol=0, atol=TOLERANCE * max(1, float(np.abs(b).max()))) for a, b in pairs)
        return twin if alike else None

    return _first_that_agrees(made, model, wiring, folder)


def _first_that_agrees(
    made: Callable[[Any], Twin | None], model: Any, wiring: Wiring, folder: str | None
) -> tuple[Twin | None, str]:
    """Return the first twin that a converter and then `made` give, and ""; or None and why there is none.

    made: returns None if the answers of the twin differ from those of the graph.
    """
    reasons: list[str] = []
    try:
        for module in _converted(model, wiring, folder):
            try:
                twin = made(module)
            except Exception as error:  # a converted module raises whatever its operators raise
                reasons.append(no_gradient(error))
                continue
            if twin is not None:
                return twin, ""
            reasons.insert(0, DIFFERS)
    except Exception as error:  # a converter may raise anything
        reasons.append(no_gradient(error))
    return None, reasons[0]


def no_gradient(error: Exception) -> str:
    """Return the reason why a graph has no twin, in a sentence, from what its conversion or its run raised."""
    operator = re.search(r"operation_type='(\w+)'", str(error))
    part = f"the operator {operator[1]}" if operator else "this graph"
    return f"This ONNX model gives predictions only, as no gradient is known for {part}. {ADVICE}"


def _converted(model: Any, wiring: Wiring, folder: str | None) -> Iterator[Any]:
    """Yield the graph as modules from pictures (N, C, H, W) to its output, in the graph's own layout."""
    copy = complete_copy(model, folder)
    for output in [o for o in copy.graph.output if o.name != wiring.output]:
        copy.graph.output.remove(output)
    for module in modules(copy):
        whole = module if isinstance(module, torch.fx.GraphModule) else _in_a_graph(module)
        yield _from_planes(whole, turned=wiring.spec.layout == "NHWC", batched=wiring.batched)


def _in_a_graph(module: Any) -> Any:
    """Return a graph module with one step, the call of a module."""
    root, graph = torch.nn.Module(), torch.fx.Graph()
    root.network = module
    graph.output(graph.call_module("network", (graph.placeholder("pictures"),)))
    return torch.fx.GraphModule(root, graph)


def _from_planes(module: Any, turned: bool, batched: bool) -> Any:
    """Let a module take pictures (N, C, H, W), N = 1 unless `batched`, in place."""
    graph = module.graph
    first = next(node for node in graph.nodes if node.op == "placeholder")
    users, pictures = list(first.users), first
    with graph.inserting_after(first):
        if not batched:
            pictures = graph.call_method("squeeze", (pictures, 0))
    with graph.inserting_after(pictures):
        if turned:
            pictures = graph.call_method("permute", (pictures, *((0, 2, 3, 1) if batched else (1, 2, 0))))
    for user in users:
        user.replace_input_with(first, pictures)
    module.recompile()
    return module


def rows_of(module: Any, batched: bool) -> Any:
    """Let a module return rows of scores (N, K), in place."""
    return _ending(module, *(("flatten", 1) if batched else ("reshape", (1, -1))))


def planes_of(module: Any, channels_first: bool, batched: bool) -> Any:
    """Let a module return maps (N, C, h, w), in place."""
    module = module if batched else _ending(module, "unsqueeze", 0)
    return module if channels_first else _ending(module, "permute", 0, 3, 1, 2)


def _ending(module: Any, method: str, *values: Any) -> Any:
    last = next(node for node in module.graph.nodes if node.op == "output")
    with module.graph.inserting_before(last):
        last.args = (module.graph.call_method(method, (last.args[0], *values)),)
    module.recompile()
    return module
