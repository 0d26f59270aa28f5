"""ONNX classifiers with several outputs, and with an unusual batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from model_adapters import load
from model_adapters.common.output_choice import OutputChoice
from tests.two_outputs import SIDE, WEIGHTS, features_first
from xai_core.errors import ParamError, UnsupportedModel
from xai_core.network import Network
from xai_core.types import Capability, FileKind, ModelSource, ScoreOutput

PICTURES = np.random.default_rng(1).random((5, SIDE, SIDE, 3), np.float32)
SCORES = PICTURES.mean((1, 2)) @ WEIGHTS.T


def opened(model: ModelProto, folder: Path, output: str = "") -> Network:
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    source = ModelSource(str(path), "m", "", reading=OutputChoice(output=output).to_text())
    return load(source, FileKind("onnx", "onnx"), str(folder))


def test_features_before_the_scores_are_a_question_with_the_scores_preselected(tmp_path):
    card = opened(features_first(), tmp_path).card
    reason = "its name is usual for class scores"
    assert card.outputs == (
        ScoreOutput("features", (2, 3), 3),
        ScoreOutput("logits", (2, 4), 4, reason),
        ScoreOutput("picture", (2, 3, SIDE, SIDE), 0),
    )
    assert card.classes == 7
    assert card.capabilities == Capability.PREDICT


def test_an_undecided_network_gives_all_rows_side_by_side(tmp_path):
    rows = opened(features_first(), tmp_path).forward(PICTURES)
    np.testing.assert_allclose(rows, np.concatenate([PICTURES.mean((1, 2)), SCORES], 1), atol=1e-5)


def test_the_chosen_output_is_explained_in_full(tmp_path):
    network = opened(features_first(), tmp_path, "logits")
    assert network.card.outputs == ()
    assert network.card.notes == ("The model has 3 outputs; 'logits' is explained.",)
    np.testing.assert_allclose(network.forward(PICTURES), SCORES, atol=1e-5)
    slopes = network.backward(PICTURES[:1], np.array([2]), "logit")
    np.testing.assert_allclose(slopes[0, 0, 0], WEIGHTS[2] / SIDE**2, atol=1e-7)


def test_an_output_that_is_none_of_the_rows_is_refused_with_their_names(tmp_path):
    with pytest.raises(ParamError, match=r"No output called 'picture' .* Those that can are: features, logits"):
        opened(features_first(), tmp_path, "picture")


def test_without_any_evidence_none_is_the_likeliest(tmp_path):
    outputs = opened(features_first("second"), tmp_path).card.outputs
    assert [output.reason for output in outputs] == ["", "", ""]


def test_as_many_class_names_as_values_outweigh_a_name(tmp_path):
    model = features_first()
    model.metadata_props.add(key="names", value="red,green,blue")
    card = opened(model, tmp_path).card
    assert card.outputs[0].reason == "it has as many values as the file has class names"
    assert card.labels == ("red", "green", "blue")


def test_logits_beside_their_own_softmax_are_no_question(tmp_path):
    model = features_first()
    model.graph.node.append(helper.make_node("Softmax", ["logits"], ["probabilities"]))
    del model.graph.output[:]
    for name in ("probabilities", "logits"):
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    network = opened(model, tmp_path)
    assert network.card.gives == "logit"
    np.testing.assert_allclose(network.forward(PICTURES), SCORES, atol=1e-5)


def with_batch(model: ModelProto, batch: int) -> ModelProto:
    del model.graph.output[0], model.graph.output[1]
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = batch
    return model


@pytest.mark.parametrize("reshaped", [False, True])
def test_a_batch_that_only_the_export_fixed_is_free(tmp_path, reshaped):
    model = with_batch(features_first(), 8)
    if reshaped:
        model.graph.node[1].CopyFrom(helper.make_node("Reshape", ["p", "shape"], ["features"]))
        model.graph.initializer.append(numpy_helper.from_array(np.array([8, 3]), "shape"))
    network = opened(model, tmp_path)
    assert network.card.input.batch is None
    assert "The file fixes batches of 8 pictures, but the network also runs with others." in network.card.notes
    np.testing.assert_allclose(network.forward(PICTURES), SCORES, atol=1e-5)


def test_a_batch_that_the_network_needs_is_filled_up_and_split(tmp_path):
    model = with_batch(features_first(), 4)
    model.graph.node[1].CopyFrom(helper.make_node("Flatten", ["p"], ["flat"]))
    model.graph.node.insert(2, helper.make_node("Add", ["flat", "zeros"], ["features"]))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((4, 3), np.float32), "zeros"))
    network = opened(model, tmp_path)
    assert network.card.input.batch == 4
    np.testing.assert_allclose(network.forward(PICTURES), SCORES, atol=1e-5)
    slopes = network.backward(PICTURES, np.full(5, 2), "logit")
    np.testing.assert_allclose(slopes[:, 0, 0], np.tile(WEIGHTS[2] / SIDE**2, (5, 1)), atol=1e-7)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_an_input_without_a_batch_takes_pictures_one_by_one(tmp_path, layout):
    network = opened(single(layout), tmp_path)
    assert (network.card.input.batch, network.card.input.layout) == (1, layout)
    np.testing.assert_allclose(network.forward(PICTURES), SCORES, atol=1e-5)
    slopes = network.backward(PICTURES[:2], np.full(2, 2), "logit")
    np.testing.assert_allclose(slopes[:, 0, 0], np.tile(WEIGHTS[2] / SIDE**2, (2, 1)), atol=1e-7)


def single(layout: str) -> ModelProto:
    """A graph from one picture without a batch to scores (4,)."""
    planes = layout == "NCHW"
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["f"], axes=[1, 2] if planes else [0, 1], keepdims=0),
        helper.make_node("MatMul", ["w", "f"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, SIDE, SIDE] if planes else [SIDE, SIDE, 3])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(WEIGHTS, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_a_file_format_newer_than_the_runtime_is_said(tmp_path):
    model = features_first()
    model.ir_version = 99
    with pytest.raises(UnsupportedModel, match=r"ONNX format version 99; the runtime here knows up to \d+\."):
        opened(model, tmp_path)


def test_numbers_about_something_else_than_pictures_are_refused(tmp_path):
    model = features_first()
    del model.graph.input[0].type.tensor_type.shape.dim[2:]
    with pytest.raises(UnsupportedModel, match=r"takes no picture: its input 'x' is \?x3; expected 4 dimensions"):
        opened(model, tmp_path)
