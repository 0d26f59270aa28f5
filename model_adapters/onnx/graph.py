"""Read what an ONNX graph says about itself: operators, outside data, input, softmax, labels."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import onnx

from model_adapters.common.output_shapes import is_depth, shown
from xai_core.errors import RefusedModel, UnsupportedModel
from xai_core.preprocessing import MOST_BANDS
from xai_core.types import Head, InputSpec

KNOWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")
PASS_THROUGH = ("Identity", "Flatten", "Reshape", "Squeeze", "Cast", "Transpose")
HEADS: dict[str, Head] = {"Softmax": "softmax", "Sigmoid": "sigmoid"}
DTYPES = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.FLOAT16: "float16", onnx.TensorProto.DOUBLE: "float64"}
DTYPES |= {onnx.TensorProto.UINT8: "uint8"}
TENSORRT = "_TRT"  # the runtime knows the names of some of its operators, but cannot run them
WITHOUT_SUPPRESSION = (
    "Export it without this last step, which removes overlapping boxes: with nms=False, or without end2end. Vitrine "
    "removes overlaps itself."
)
DAMAGED = "The file is damaged or is not an ONNX model. Get a fresh copy, or export it again."
OUTSIDE = "The weights must lie beside the model; pack both into one zip."


@dataclass(frozen=True)
class GraphInput:
    """The one picture that a graph takes; if `layout_known` is false, the layout in `spec` is a guess.

    batched: whether there is a batch dimension.
    """

    name: str
    dtype: str
    spec: InputSpec
    layout_known: bool
    batched: bool = True


def read(path: str) -> Any:
    """Parse an ONNX file without loading weights stored outside it. RefusedModel if it is damaged."""
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf raises whatever its back end raises
        raise RefusedModel(DAMAGED) from error
    if not model.graph.node:
        raise RefusedModel(DAMAGED)
    return model


def check_operators(model: Any) -> None:
    """Raise UnsupportedModel if the graph uses an operator of a domain that no runtime here knows."""
    own = {(f.domain, f.name) for f in model.functions}
    for node in _all_nodes(model):
        if (node.domain, node.op_type) in own:
            continue
        if node.domain not in KNOWN_DOMAINS:
            raise unknown_operator(f"{node.domain}:{node.op_type}")
        if node.op_type.endswith(TENSORRT):
            raise unknown_operator(node.op_type)


def unknown_operator(name: str) -> UnsupportedModel:
    """Return the error for an operator that no runtime here has."""
    way_out = WITHOUT_SUPPRESSION if "NMS" in name else "Export it with standard ONNX operators only."
    return UnsupportedModel(f"The model uses {name[:80]}, which no runtime here knows. {way_out}")


def check_outside_data(model: Any, folder: str | None) -> None:
    """Raise RefusedModel unless all outside weights are plain files in `folder`; None allows none."""
    for tensor in _tensors(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        location = next((e.value for e in tensor.external_data if e.key == "location"), "")
        if folder is None or not _lies_in(folder, location):
            raise RefusedModel(OUTSIDE)


def check_sizes(model: Any) -> None:
    """Raise RefusedModel if a weight claims more numbers than the file stores for it."""
    for tensor in _tensors(model):
        claimed = 1
        for dim in tensor.dims:
            claimed *= dim
        stored = len(tensor.raw_data)
        if tensor.data_location != onnx.TensorProto.EXTERNAL and stored and claimed > 2 * stored:  # int4: half a byte
            raise RefusedModel(f"Weight {tensor.name[:60]!r} claims {claimed} numbers but stores {stored} bytes.")


def image_input(model: Any, alone: bool = False) -> GraphInput:
    """Find the picture among the graph's inputs; UnsupportedModel if there is not exactly one.

    alone: whether a single picture without a batch dimension is accepted.
    """
    weights = {i.name for i in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(i.name[:30] for i in inputs[:4])
        raise UnsupportedModel(f"The model takes {len(inputs)} inputs ({names}); expected one picture.")
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type not in DTYPES:
        raise UnsupportedModel("The model's input is not a picture: expected float or 8-bit numbers.")
    sizes = [d.dim_value if d.dim_value > 0 else None for d in tensor.shape.dim]
    batched = not (alone and len(sizes) == 3)
    if len(sizes) != (4 if batched else 3):
        raise UnsupportedModel(
            f"The model takes no picture: its input {inputs[0].name[:40]!r} is {shown(tuple(sizes)) or 'one number'}; "
            "expected 4 dimensions, such as batch x 3 x height x width."
        )
    sizes = sizes if batched else [1, *sizes]
    return GraphInput(inputs[0].name, DTYPES[tensor.elem_type], *_layout(sizes, model), batched)


def _layout(sizes: list[int | None], model: Any) -> tuple[InputSpec, bool]:
    batch, *rest = sizes
    layout: Literal["NCHW", "NHWC"]
    if rest[0] in (1, 3):
        layout, channels, height, width = "NCHW", rest[0], rest[1], rest[2]
    elif rest[2] in (1, 3):
        layout, channels, height, width = "NHWC", rest[2], rest[0], rest[1]
    elif rest[0] is None or rest[2] is None:
        return InputSpec(None, None, _first_depth(model), "NCHW", batch), False
    elif is_depth(rest[0], rest[1:]):
        layout, channels, height, width = "NCHW", rest[0], rest[1], rest[2]
    elif is_depth(rest[2], rest[:2]):
        layout, channels, height, width = "NHWC", rest[2], rest[0], rest[1]
    else:
        raise UnsupportedModel(f"The model's input is {shown(tuple(sizes))}; expected 1 to {MOST_BANDS} channels.")
    return InputSpec(height, width, channels or 3, layout, batch), True


def _first_depth(model: Any) -> int:
    """Return the number of channels that the first convolution takes."""
    shapes = {i.name: list(i.dims) for i in model.graph.initializer}
    kernels = (shapes.get(n.input[1]) for n in model.graph.node if n.op_type == "Conv")
    depth = (next(kernels, None) or [0, 3])[1]
    return depth if 1 <= depth <= MOST_BANDS else 3


def cut_head(model: Any, output: str) -> Head | None:
    """Turn the softmax or sigmoid that ends in `output` into an identity, in place; return which it was, if any."""
    makers = {name: node for node in model.graph.node for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in PASS_THROUGH:
        node = makers.get(node.input[0])
    if node is None or node.op_type not in HEADS:
        return None
    head = HEADS[node.op_type]
    node.op_type = "Identity"
    node.ClearField("attribute")
    return head


def labels(model: Any, classes: int) -> tuple[str, ...]:
    """Return the class names in the file's metadata if there are `classes` of them."""
    return next((names for names in class_names(model) if len(names) == classes), ())


def class_names(model: Any) -> Iterator[tuple[str, ...]]:
    """Yield the lists in the file's metadata that may be class names, of any length."""
    for entry in model.metadata_props:
        if entry.key.lower() in ("names", "labels", "classes", "class_names"):
            yield _names(entry.value)


def _names(text: str) -> tuple[str, ...]:
    for parse in (json.loads, ast.literal_eval):
        try:
            parsed = parse(text[:1_000_000])
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(parsed, dict):
            return tuple(str(parsed[k]) for k in sorted(parsed, key=lambda k: (len(str(k)), str(k))))
        if isinstance(parsed, list | tuple):
            return tuple(map(str, parsed))
    lines = text.splitlines() if "\n" in text else text.split(",")
    return tuple(line.strip() for line in lines)


def _lies_in(folder: str, location: str) -> bool:
    if not location or os.path.isabs(location) or ".." in location.replace("\\", "/").split("/"):
        return False
    path = os.path.join(os.path.realpath(folder), os.path.normpath(location))
    return os.path.isfile(path) and os.path.realpath(path) == path


def _all_nodes(model: Any) -> Iterator[Any]:
    yield from _nodes(model.graph)
    for function in model.functions:
        yield from _nodes(function)


def _nodes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for inner in _subgraphs(node):
            yield from _nodes(inner)


def _subgraphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _tensors(model: Any) -> Iterator[Any]:
    yield from _weights(model.graph)
    for node in _all_nodes(model):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
        for inner in _subgraphs(node):
            yield from _weights(inner)


def _weights(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices
