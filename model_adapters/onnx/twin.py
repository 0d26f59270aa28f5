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
from xai_core.types import Card, Floats

ADVICE = "Use the PyTorch or Keras file, or choose a method that needs predictions only."
TOLERANCE = 1e-3
KNOWN_OPSET = 18


def twin_or_reason(
    model: Any, wiring: Wiring, card: Card, folder: str | None, inputs: list[Floats], outputs: list[Floats]
) -> tuple[TorchNetwork | None, str]:
    """Return the graph in PyTorch and "", or None and a sentence that says why there is none.

    For `inputs` (N, H, W, C) it must give ONNX Runtime's `outputs` (N, K). folder: where outside weights are stored.
    """
    if not all(np.isfinite(o).all() for o in outputs):
        return None, "This ONNX model returns values that are not numbers, so it has no gradient."
    try:
        twin = TorchNetwork(_converted(model, wiring, folder), card)
        taken = [as_numbers(i, wiring) for i in inputs]
        answers = [twin.forward(i) for i in taken]
        twin.backward(taken[0][:1], np.zeros(1, np.int64), "logit")
    except Exception as error:
        operator = re.search(r"operation_type='(\w+)'", str(error))
        part = f"the operator {operator[1]}" if operator else "this graph"
        return None, f"This ONNX model gives predictions only, as no gradient is known for {part}. {ADVICE}"
    if not agree(answers, outputs, TOLERANCE):
        return None, f"This ONNX model gives predictions only, as its differentiable copy differs from it. {ADVICE}"
    return twin, ""


def _converted(model: Any, wiring: Wiring, folder: str | None) -> Any:
    """Return the graph as a module from pictures (N, C, H, W) to rows of scores (N, K)."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if folder is not None:
        onnx.load_external_data_for_model(copy, folder)
    for output in [o for o in copy.graph.output if o.name != wiring.output]:
        copy.graph.output.remove(output)
    # onnx2torch misses the newest operator versions; a simplified graph needs fewer of them.
    module = onnx2torch.convert(_of_known_version(onnxslim.slim(copy))).eval()
    return _from_planes_to_rows(module, turned=wiring.spec.layout == "NHWC", batched=wiring.batched)


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


def _from_planes_to_rows(module: Any, turned: bool, batched: bool) -> Any:
    """Let a module take pictures (N, C, H, W), N = 1 unless `batched`, and return rows (N, K), in place."""
    graph = module.graph
    first = next(node for node in graph.nodes if node.op == "placeholder")
    last = next(node for node in graph.nodes if node.op == "output")
    users, pictures = list(first.users), first
    with graph.inserting_after(first):
        if not batched:
            pictures = graph.call_method("squeeze", (pictures, 0))
    with graph.inserting_after(pictures):
        if turned:
            pictures = graph.call_method("permute", (pictures, *((0, 2, 3, 1) if batched else (1, 2, 0))))
    for user in users:
        user.replace_input_with(first, pictures)
    with graph.inserting_before(last):
        shape = (last.args[0], 1) if batched else (last.args[0], (1, -1))
        last.args = (graph.call_method("flatten" if batched else "reshape", shape),)
    module.recompile()
    return module
