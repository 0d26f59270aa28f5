"""Ask detectors that take the picture's size as a second input for boxes in shares of its sides.

The exports of RT-DETR's authors and of D-FINE multiply their boxes by `orig_target_sizes`, (N, 2). A size of 1 x 1
leaves shares, whatever the size of the picture. Source: github.com/lyuwenyu/RT-DETR, tools/export_onnx.py.
"""

from __future__ import annotations

from typing import Any

from onnx import TensorProto, helper

NAMES = ("orig_target_sizes", "target_sizes", "orig_size")
TYPES = (TensorProto.INT64, TensorProto.INT32, TensorProto.FLOAT)


def fix_target_sizes(model: Any) -> bool:
    """Turn a second input for sizes into a constant 1 x 1, in place; return whether there was one."""
    sizes = next((each for each in model.graph.input if _holds_sizes(each)), None)
    if sizes is None or has_fixed_sizes(model):
        return False
    model.graph.input.remove(sizes)
    model.graph.initializer.append(helper.make_tensor(sizes.name, sizes.type.tensor_type.elem_type, [1, 2], [1, 1]))
    return True


def has_fixed_sizes(model: Any) -> bool:
    """Whether a graph has a constant for the size of the picture."""
    return any(weight.name in NAMES for weight in model.graph.initializer)


def _holds_sizes(graph_input: Any) -> bool:
    tensor = graph_input.type.tensor_type
    dims = tensor.shape.dim
    return graph_input.name in NAMES and tensor.elem_type in TYPES and len(dims) == 2 and dims[1].dim_value in (0, 2)
