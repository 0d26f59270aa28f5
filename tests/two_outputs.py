"""A small ONNX classifier whose features come before its class scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

WEIGHTS = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
SIDE = 32


def features_first(scores: str = "logits") -> ModelProto:
    """Return a graph with the mean of each channel, (N, 3), then WEIGHTS times that, (N, 4), and the picture."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["features"]),
        helper.make_node("Gemm", ["features", "w"], [scores], transB=1),
        helper.make_node("Relu", ["x"], ["picture"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("features", scores, "picture")]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(WEIGHTS, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def saved(folder: Path) -> Path:
    """Write the graph to a file and return its path."""
    path = folder / "two_outputs.onnx"
    path.write_bytes(features_first().SerializeToString())
    return path
