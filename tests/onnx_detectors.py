"""ONNX detectors made for tests: graphs that answer given arrays."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from model_adapters import load
from xai_core.types import FileKind, ModelSource

SIDE = 64
CELLS = 8 * 8 + 4 * 4 + 2 * 2  # of strides 8, 16 and 32
BRIGHT = np.full((1, 100, 200, 3), 0.5, np.float32)


def opened(path, tmp_path, reading="", file_format="onnx"):
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    source = ModelSource(str(path), "a detector", "", task="detect", reading=reading)
    return load(source, FileKind(file_format, "onnx"), str(scratch))


def photo(path):
    return np.asarray(Image.open(path).convert("RGB"), np.float32) / 255


def graph(outputs, shape=(1, 3, SIDE, SIDE), dtype=TensorProto.FLOAT, names=None, **facts):
    """Return a graph that answers these arrays to any picture but a black one, to which it answers zeros."""
    nodes = [helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT)]
    weights, told = [], []
    for number, (name, value) in enumerate(outputs.items()):
        batched = value.shape[:1] == (1,)
        axes = {"axes": list(range(1, len(shape)))} if batched else {}
        weights.append(numpy_helper.from_array(value, f"w{number}"))
        weights.append(numpy_helper.from_array(np.array([-1, *[1] * (value.ndim - 1)]), f"shape{number}"))
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        nodes += [
            helper.make_node("ReduceMean", ["floats"], [f"mean{number}"], **axes),
            helper.make_node("Sign", [f"mean{number}"], [f"sign{number}"]),
            helper.make_node("Reshape", [f"sign{number}", f"shape{number}"], [f"lit{number}"]),
            helper.make_node("Cast", [f"lit{number}"], [f"cast{number}"], to=kind),
            helper.make_node("Mul", [f"w{number}", f"cast{number}"], [name]),
        ]
        told.append(helper.make_tensor_value_info(name, kind, None))
    inputs = [helper.make_tensor_value_info("images", dtype, shape)]
    built = helper.make_graph(nodes, "g", inputs, told, weights)
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, ({"names": str(names)} if names else {}) | facts)
    return model


def yolo(columns, count, *rows):
    """Return rows (1, count, columns), zeros but for these."""
    values = np.zeros((1, count, columns), np.float32)
    values[0, :, 2:4] = 1
    for place, row in enumerate(rows, start=7):
        values[0, place] = row
    return values


def listed(labels, **types):
    """Return what torchvision's detectors give: a box a label, each further to the right."""
    left = 10 * np.arange(len(labels), dtype=np.float32)
    corners = np.stack([left, left * 0 + 5, left + 8, left * 0 + 25], axis=1)
    scores = np.linspace(0.9, 0.5, len(labels), dtype=np.float32)
    return {"boxes": corners, "labels": np.array(labels, types.get("labels", np.int64)), "scores": scores}


def assert_boxes(found, *corners):
    np.testing.assert_allclose(found.corners, corners, atol=1e-4)


def separate(scores):
    """Return two boxes, centre and size in pixels, and what the graph says of their classes."""
    boxes = np.array([[[32, 16, 8, 4], [10, 10, 4, 4]]], np.float32)
    return {"a": np.array([scores], np.float32), "b": boxes}


FINAL = {
    "labels": np.array([[1, 1]], np.int64),
    "shares": np.array([[[0.25, 0.5, 0.75, 0.9], [0, 0, 0.5, 0.5]]], np.float32),
    "scores": np.array([[0.75, 0.1]], np.float32),
}


def with_target_sizes(name="orig_target_sizes"):
    """Return a graph that also takes the picture's size and multiplies the shares of its final boxes by it."""
    model = graph(FINAL, names={0: "hen", 1: "cow"})
    model.graph.input.append(helper.make_tensor_value_info(name, TensorProto.INT64, ["N", 2]))
    nodes = [
        helper.make_node("Cast", [name], ["size"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["size", "size"], ["sides"], axis=-1),
        helper.make_node("Mul", ["shares", "sides"], ["boxes"]),
    ]
    model.graph.node.extend(nodes)
    model.graph.output[1].name = "boxes"
    return model
