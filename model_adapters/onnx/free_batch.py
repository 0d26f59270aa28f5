"""Run a graph at any batch size where only its export fixed one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from model_adapters.common.output_shapes import Outputs
from model_adapters.common.probes import agree, noise
from model_adapters.onnx.files import OnnxFile, placed
from model_adapters.onnx.graph import GraphInput
from model_adapters.onnx.session import Wiring, open_session, run_all
from xai_core.errors import is_of_memory

FEWER = 3  # pictures; no batch size that exports fix divides it
SAME = 1e-4
SIDE = 224  # in pixels, for a free height or width
NOTE = "The file fixes batches of {batch} pictures, but the network also runs with others."


@dataclass(frozen=True)
class Runnable:
    """A graph that runs: `graph` is the path or bytes that `session` was opened from; notes are sentences."""

    model: Any
    graph: str | bytes
    session: Any
    graph_input: GraphInput
    notes: tuple[str, ...] = ()


def runnable(file: OnnxFile, graph_input: GraphInput) -> Runnable:
    """Open a graph; one with a fixed batch of several pictures is freed from it if its answers stay the same."""
    fixed = Runnable(file.model, file.path, open_session(file.path), graph_input)
    batch = graph_input.spec.batch or 1
    if batch == 1:
        return fixed
    try:
        free = _freed(file, fixed)
        return free if _same_answers(fixed, free, batch) else fixed
    except Exception as error:  # the runtime raises whatever an operator raises
        if is_of_memory(error):
            raise
        return fixed


def _freed(file: OnnxFile, fixed: Runnable) -> Runnable:
    model = onnx.ModelProto()
    model.CopyFrom(file.model)
    for tensor in (*model.graph.input, *model.graph.output):
        if tensor.type.tensor_type.shape.dim:
            tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    _free_reshapes(model, fixed.graph_input.spec.batch or 1)
    del model.graph.value_info[:]  # shapes between the layers, which hold the old size
    made = placed(model, file.folder, "free_batch.onnx")
    graph_input = replace(fixed.graph_input, spec=replace(fixed.graph_input.spec, batch=None))
    note = NOTE.format(batch=fixed.graph_input.spec.batch)
    return Runnable(model, made, open_session(made), graph_input, (note,))


def _free_reshapes(model: Any, batch: int) -> None:
    """Have reshapes to constant sizes (batch, ...) keep the first size of what they reshape, in place."""
    weights = {weight.name: weight for weight in model.graph.initializer}
    constants = {
        node.output[0]: attribute.t
        for node in model.graph.node
        for attribute in node.attribute
        if node.op_type == "Constant" and attribute.HasField("t")
    }
    for node in model.graph.node:
        tensor = (weights | constants).get(node.input[1]) if node.op_type == "Reshape" else None
        if tensor is None or tensor.data_location == onnx.TensorProto.EXTERNAL:
            continue
        sizes = numpy_helper.to_array(tensor)
        if len(sizes) > 1 and sizes[0] == batch:
            kept = np.concatenate([[0], sizes[1:]]).astype(sizes.dtype)  # 0 stands for the size that comes in
            tensor.CopyFrom(numpy_helper.from_array(kept, tensor.name))


def _same_answers(fixed: Runnable, free: Runnable, batch: int) -> bool:
    inputs = noise(fixed.graph_input.spec, batch, SIDE)
    shown = inputs if batch > FEWER else np.concatenate([inputs] * FEWER)
    wiring = Wiring(fixed.graph_input.name, fixed.graph_input.dtype, fixed.graph_input.spec, side=SIDE)
    whole, part = run_all(fixed.session, wiring, inputs), run_all(free.session, wiring, shown[:FEWER])
    return all(_alike(whole[name], part[name], batch) for name in _scored(whole, batch))


def _scored(outputs: Outputs, batch: int) -> list[str]:
    return [name for name, value in outputs.items() if np.shape(value)[:1] == (batch,)]


def _alike(whole: Any, part: Any, batch: int) -> bool:
    expected = np.concatenate([whole] * FEWER)[:FEWER] if batch < FEWER else whole[:FEWER]
    return agree([np.asarray(part, np.float32)], [np.asarray(expected, np.float32)], SAME)
