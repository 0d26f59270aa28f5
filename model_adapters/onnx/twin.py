"""Rebuild an ONNX graph in PyTorch, which has gradients and accessible layers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import onnx
import onnx2torch
import onnxslim
from onnx import inliner, version_converter

from model_adapters.common.probes import agree
from model_adapters.onnx.session import Wiring, as_numbers
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.segmentation.maps import Maps
from model_adapters.pytorch.segmentation.network import TorchSegmenter
from xai_core.types import Card, Floats

ADVICE = "Use the PyTorch or Keras file, or choose a method that needs predictions only."
TOLERANCE = 1e-3
KNOWN_OPSET = 18
DIFFERS = f"This ONNX model gives predictions only, as its differentiable copy differs from it. {ADVICE}"


def twin_or_reason(
    model: Any, wiring: Wiring, card: Card, folder: str | None, inputs: list[Floats], outputs: list[Floats]
) -> tuple[TorchNetwork | None, str]:
    """Return the graph in PyTorch and "", or None and a sentence that says why there is none.

    For `inputs` (N, H, W, C) it must give ONNX Runtime's `outputs` (N, K). folder: where outside weights are stored.
    """
    if not all(np.isfinite(o).all() for o in outputs):
        return None, "This ONNX model returns values that are not numbers, so it has no gradient."
    try:
        twin = TorchNetwork(rows_of(converted(model, wiring, folder), wiring.batched), card)
        taken = [as_numbers(i, wiring) for i in inputs]
        answers = [twin.forward(i) for i in taken]
        twin.backward(taken[0][:1], np.zeros(1, np.int64), "logit")
    except Exception as error:
        return None, no_gradient(error)
    if not agree(answers, outputs, TOLERANCE):
        return None, DIFFERS
    return twin, ""


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
    try:
        module = planes_of(converted(model, wiring, folder), channels_first, wiring.batched)
        twin = TorchSegmenter(module, card, Maps(gives=card.gives, channels=outputs[0].shape[-1]))
        answers = [twin.maps(as_numbers(batch, wiring)) for batch in inputs]
        twin.backward(as_numbers(inputs[0][:1], wiring), np.zeros(1, np.int64), card.gives)
    except Exception as error:  # a converter may raise anything
        return None, no_gradient(error)
    pairs = zip(answers, outputs, strict=True)
    alike = all(np.allclose(a, b, rtol=0, atol=TOLERANCE * max(1, float(np.abs(b).max()))) for a, b in pairs)
    return (twin, "") if alike else (None, DIFFERS)


def no_gradient(error: Exception) -> str:
    """Return the reason why a graph has no twin, in a sentence, from what its conversion or its run raised."""
    operator = re.search(r"operation_type='(\w+)'", str(error))
    part = f"the operator {operator[1]}" if operator else "this graph"
    return f"This ONNX model gives predictions only, as no gradient is known for {part}. {ADVICE}"


def converted(model: Any, wiring: Wiring, folder: str | None) -> Any:
    """Return the graph as a module from pictures (N, C, H, W) to its output, in the graph's own layout."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if folder is not None:
        onnx.load_external_data_for_model(copy, folder)
    for output in [o for o in copy.graph.output if o.name != wiring.output]:
        copy.graph.output.remove(output)
    # onnx2torch misses the newest operator versions; a simplified graph needs fewer of them.
    module = onnx2torch.convert(_of_known_version(onnxslim.slim(copy))).eval()
    return _from_planes(module, turned=wiring.spec.layout == "NHWC", batched=wiring.batched)


def _of_known_version(model: Any) -> Any:
    """Return the model with operator versions that onnx2torch knows, if it is newer and can be converted back."""
    if all(opset.version <= KNOWN_OPSET for opset in model.opset_import if opset.domain in ("", "ai.onnx")):
        return model
    try:
        return version_converter.convert_version(_spelled_out(model), KNOWN_OPSET)
    except Exception:  # some operators have no older version; onnx2torch may still know the ones used here
        return model


def _spelled_out(model: Any) -> Any:
    """Return the model with each GELU replaced by its basic operators, since older versions have no GELU."""
    made = inliner.inline_selected_functions(model, [("", "Gelu")], inline_schema_functions=True)
    for node in made.graph.node:
        if node.op_type == "CastLike":  # constants of the definition, cast to the type they already have
            node.op_type = "Identity"
            del node.input[1:]
    return made


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
