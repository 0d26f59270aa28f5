"""Quantised graphs answer exactly as in ONNX Runtime itself, and new operator sets as old ones."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from model_adapters import load
from xai_core.types import FileKind, ModelSource

RNG = np.random.default_rng(0)
PICTURES = RNG.random((6, 16, 16, 3), np.float32)


def network(opset=17):
    """Return a convolution, a ReLU, the mean over places and four classes."""
    kernel, classes = RNG.standard_normal((8, 3, 3, 3)), RNG.standard_normal((8, 4))
    weights = [numpy_helper.from_array(w.astype(np.float32), n) for w, n in ((kernel, "k"), (classes, "w"))]
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 16, 16])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])
    built = helper.make_graph(nodes, "g", [x], [y], weights)
    return helper.make_model(built, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


class Pictures(CalibrationDataReader):
    """The pictures, one at a time, as calibration takes them."""

    def __init__(self):
        self.left = [{"x": picture.transpose(2, 0, 1)[None]} for picture in PICTURES]

    def get_next(self):
        return self.left.pop() if self.left else None


def dynamic(before, after):
    quantize_dynamic(before, after, weight_type=QuantType.QUInt8)


def static(form):
    def quantise(before, after):
        quantize_static(before, after, Pictures(), quant_format=form)

    return quantise


def opened(path, tmp_path):
    return load(ModelSource(str(path), "a model", ""), FileKind("onnx", "onnx"), str(tmp_path))


def by_runtime(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.ascontiguousarray(PICTURES.transpose(0, 3, 1, 2))})[0]


@pytest.mark.parametrize(
    "quantise", [dynamic, static(QuantFormat.QDQ), static(QuantFormat.QOperator)], ids=["dynamic", "QDQ", "QOperator"]
)
def test_a_quantised_graph_answers_as_its_runtime_does(tmp_path, quantise):
    onnx.save(network(), tmp_path / "plain.onnx")
    quantise(tmp_path / "plain.onnx", tmp_path / "m.onnx")
    answers = opened(tmp_path / "m.onnx", tmp_path).forward(PICTURES)
    np.testing.assert_allclose(answers, by_runtime(tmp_path / "m.onnx"), atol=1e-6)
    exact = by_runtime(tmp_path / "plain.onnx")
    assert 0 < np.abs(answers - exact).max() < 0.1 * np.abs(exact).max()  # it is quantised, but not another network


@pytest.mark.parametrize("opset", [7, 22, 23, 24])
def test_old_and_new_operator_sets_open_with_gradients(tmp_path, opset):
    onnx.save(network(opset), tmp_path / "m.onnx")
    model = opened(tmp_path / "m.onnx", tmp_path)
    np.testing.assert_allclose(model.forward(PICTURES), by_runtime(tmp_path / "m.onnx"), atol=1e-6)
    assert model.backward(PICTURES, np.zeros(6, np.int64), "logit").any()
