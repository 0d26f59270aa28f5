from __future__ import annotations

import shutil
import warnings
import zipfile

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch_models import network_of, vit_on_mnist

from model_adapters import load
from model_adapters.onnx import session
from model_adapters.onnx.graph import check_outside_data
from model_adapters.pytorch import precisions
from xai_core.errors import OutOfMemory, RefusedModel, TryAsDetector, UnsupportedModel
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing
from xai_core.types import OF_CLASSIFIERS, Capability, FileKind, ModelSource

WEIGHTS = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
FREE = ["N", 3, 8, 8]
POOL = helper.make_node("GlobalAveragePool", ["x"], ["p"])
FLAT = helper.make_node("Flatten", ["p"], ["f"])


def gemm(output="y"):
    return helper.make_node("Gemm", ["f", "w"], [output], transB=1)


def node(kind, *ends, **settings):
    return helper.make_node(kind, [ends[0]], [ends[1]], **settings)


def linear(*after, output="y", **settings):
    """Mean of each channel, times WEIGHTS, then what comes `after`."""
    nodes = [POOL, FLAT, gemm("s" if after else output), *after]
    return graph(nodes, weights=[numpy_helper.from_array(WEIGHTS, "w")], **settings)


def graph(nodes, shape=FREE, dtype=TensorProto.FLOAT, weights=(), outputs=("y",), opset=17, extra=(), **settings):
    inputs = [helper.make_tensor_value_info("x", dtype, shape)]
    named = [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs]
    opsets = [helper.make_opsetid("", opset), *extra]
    built = helper.make_graph(nodes, "g", inputs, named, list(weights))
    return helper.make_model(built, opset_imports=opsets, ir_version=9, **settings)


def opened(path, tmp_path, file_format="onnx"):
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    return load(ModelSource(str(path), "a model", ""), FileKind(file_format, "onnx"), str(scratch))


@pytest.fixture
def open_graph(tmp_path):
    def save_and_open(model):
        (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
        return opened(tmp_path / "m.onnx", tmp_path)

    return save_and_open


def pictures(*shape):
    return np.random.default_rng(1).random(shape, np.float32)


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def test_a_linear_model_answers_exactly(open_graph):
    images = pictures(5, 8, 8, 3)
    np.testing.assert_allclose(open_graph(linear()).forward(images), images.mean((1, 2)) @ WEIGHTS.T, atol=1e-5)


def test_the_gradient_of_a_linear_model_is_exact(open_graph):
    found = open_graph(linear()).backward(pictures(4, 8, 8, 3), np.arange(4), "logit")
    expected = np.broadcast_to(WEIGHTS[:, None, None] / 64, (4, 8, 8, 3))
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_the_gradient_of_a_probability_follows_the_chain_rule(open_graph):
    network, images = open_graph(linear()), pictures(1, 8, 8, 3)
    p = softmax(network.forward(images))[0]
    expected = p[2] * (WEIGHTS[2] - p @ WEIGHTS) / 64
    found = network.backward(images, np.array([2]), "probability")
    np.testing.assert_allclose(found[0, 0, 0], expected, atol=1e-7)


@pytest.mark.parametrize(("kind", "head"), [("Softmax", "softmax"), ("Sigmoid", "sigmoid")])
def test_a_final_softmax_or_sigmoid_is_cut(open_graph, kind, head):
    network, images = open_graph(linear(node(kind, "s", "y"))), pictures(2, 8, 8, 3)
    assert (network.card.gives, network.card.head) == ("logit", head)
    np.testing.assert_allclose(network.forward(images), images.mean((1, 2)) @ WEIGHTS.T, atol=1e-5)


def test_a_softmax_followed_by_a_flatten_is_cut(open_graph):
    network = open_graph(linear(node("Softmax", "s", "q"), node("Flatten", "q", "y")))
    assert network.card.gives == "logit"


def test_a_softmax_in_the_midst_of_a_graph_leaves_probabilities(open_graph):
    network = open_graph(linear(node("Softmax", "s", "q"), node("Abs", "q", "y")))
    assert network.card.gives == "probability"
    np.testing.assert_allclose(network.forward(pictures(2, 8, 8, 3)).sum(axis=1), 1, atol=1e-5)


def test_scores_with_sides_of_one_are_a_row(open_graph):
    network = open_graph(graph([node("GlobalAveragePool", "x", "y")]))
    assert network.card.classes == 3
    assert network.forward(pictures(2, 8, 8, 3)).shape == (2, 3)


def test_a_gray_model_takes_one_channel(open_graph):
    network = open_graph(graph([POOL, node("Flatten", "p", "y")], ["N", 1, 28, 28]))
    assert network.card.input.channels == 1
    assert network.backward(pictures(2, 28, 28, 1), np.array([0, 0]), "logit").shape == (2, 28, 28, 1)


@pytest.mark.parametrize("count", [1, 4, 5])
def test_a_model_for_batches_of_two_answers_any_number(open_graph, count):
    network, images = open_graph(linear(shape=[2, 3, 8, 8])), pictures(count, 8, 8, 3)
    np.testing.assert_allclose(network.forward(images), images.mean((1, 2)) @ WEIGHTS.T, atol=1e-5)
    assert network.backward(images, np.zeros(count, np.int64), "logit").shape == (count, 8, 8, 3)


def test_a_batch_that_is_free_in_name_only_is_found_out(open_graph):
    shape = numpy_helper.from_array(np.array([1, 3 * 8 * 8]), "shape")
    reshape = helper.make_node("Reshape", ["x", "shape"], ["y"])
    assert open_graph(graph([reshape], weights=[shape])).card.input.batch == 1


def test_a_free_size_stays_free_where_two_sizes_work(open_graph):
    network = open_graph(linear(shape=["N", 3, "H", "W"]))
    assert (network.card.input.height, network.card.input.width) == (None, None)
    assert network.forward(pictures(2, 20, 30, 3)).shape == (2, 4)


def test_a_size_that_is_free_in_name_only_is_found_out(open_graph):
    weights = numpy_helper.from_array(np.ones((2, 3 * 32 * 32), np.float32), "w")
    model = graph([node("Flatten", "x", "f"), gemm()], ["N", 3, "H", "W"], weights=[weights])
    spec = open_graph(model).card.input
    assert (spec.height, spec.width) == (32, 32)


def test_channels_last_is_recognised(open_graph):
    turn = node("Transpose", "x", "t", perm=[0, 3, 1, 2])
    pool = node("GlobalAveragePool", "t", "p")
    network = open_graph(graph([turn, pool, node("Flatten", "p", "y")], ["N", 8, 8, 3]))
    images = pictures(2, 8, 8, 3)
    assert network.card.input.layout == "NHWC"
    np.testing.assert_allclose(network.forward(images), images.mean((1, 2)), atol=1e-6)
    np.testing.assert_allclose(
        network.backward(images, np.array([0, 2]), "logit").sum((1, 2)), np.eye(3)[[0, 2]], atol=1e-5
    )


def test_half_precision_is_fed_and_answered(open_graph):
    cast = node("Cast", "x", "h", to=TensorProto.FLOAT)
    nodes = [cast, node("GlobalAveragePool", "h", "p"), node("Flatten", "p", "y")]
    images = pictures(2, 8, 8, 3)
    found = open_graph(graph(nodes, dtype=TensorProto.FLOAT16)).forward(images)
    np.testing.assert_allclose(found, images.mean((1, 2)), atol=1e-3)


def test_an_input_of_whole_numbers_speaks_for_0_to_255(open_graph):
    cast = node("Cast", "x", "h", to=TensorProto.FLOAT)
    nodes = [cast, node("GlobalAveragePool", "h", "p"), node("Flatten", "p", "y")]
    network = open_graph(graph(nodes, dtype=TensorProto.UINT8))
    assert network.card.hint.scale == 255
    assert network.forward(np.full((1, 8, 8, 3), 200.4, np.float32))[0, 0] == 200


def test_an_operator_that_the_first_converter_lacks_has_a_gradient_by_the_second(open_graph):
    odd = helper.make_node("ThresholdedRelu", ["x"], ["d"], alpha=0.5)
    network = open_graph(graph([odd, node("GlobalAveragePool", "d", "p"), FLAT, node("Identity", "f", "y")]))
    found = network.backward(images := pictures(1, 8, 8, 3), np.array([2]), "logit")
    np.testing.assert_allclose(found[0, ..., 2], (images[0, ..., 2] > 0.5) / 64, atol=1e-7)
    assert not found[..., :2].any()


def test_a_converter_whose_answers_differ_is_not_used(open_graph, monkeypatch):
    wrong, right = torch.nn.Flatten(), torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    monkeypatch.setattr("model_adapters.onnx.twin.modules", lambda model: iter([wrong, right]))
    network = open_graph(graph([POOL, node("Flatten", "p", "y")]))
    np.testing.assert_allclose(network.backward(pictures(1, 8, 8, 3), np.array([0]), "logit")[0, ..., 0], 1 / 64)
    monkeypatch.setattr("model_adapters.onnx.twin.modules", lambda model: iter([wrong]))
    assert "differs" in open_graph(graph([POOL, node("Flatten", "p", "y")])).card.missing["GRADIENT"]


def test_an_operator_without_gradient_leaves_predictions(open_graph):
    network = open_graph(graph([node("Hardmax", "x", "d"), node("Flatten", "d", "y")]))
    assert network.card.capabilities == Capability.PREDICT
    assert "no gradient is known" in network.card.missing["GRADIENT"]


def test_values_that_are_no_numbers_pass_through(open_graph):
    weights = numpy_helper.from_array(np.full((4, 3), np.nan, np.float32), "w")
    network = open_graph(graph([POOL, FLAT, gemm()], weights=[weights]))
    assert np.isnan(network.forward(pictures(1, 8, 8, 3))).all()
    assert "not numbers" in network.card.missing["GRADIENT"]


def test_labels_are_read_from_the_metadata(open_graph):
    model = linear()
    helper.set_model_props(model, {"names": "{0: 'a', 1: 'b', 2: 'c', 3: 'd'}"})
    assert open_graph(model).card.labels == ("a", "b", "c", "d")


def test_labels_of_another_number_are_ignored(open_graph):
    model = linear()
    helper.set_model_props(model, {"classes": '["a", "b"]'})
    assert open_graph(model).card.labels == ()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (linear(opset=99), "asks for ONNX opset 99; the runtime here knows up to"),
        (graph([node("Missing", "x", "y")]), "uses Missing, which no runtime here knows"),
        (graph([node("Odd", "x", "y", domain="com.a")], extra=[helper.make_opsetid("com.a", 1)]), "uses com.a:Odd"),
        (graph([node("Relu", "x", "y")], [1, 85, 22, 22]), "expected 1 to 64 channels"),
        (graph([node("Relu", "x", "y")], ["N", 3]), r"takes no picture: its input 'x' is \?x3"),
        (graph([node("Identity", "x", "y")], dtype=TensorProto.INT64), "expected float or 8-bit numbers"),
    ],
)
def test_what_is_no_classifier_gets_its_sentence(open_graph, model, words):
    with pytest.raises(UnsupportedModel, match=words):
        open_graph(model)


def test_two_inputs_are_named(open_graph):
    model = linear()
    model.graph.input.append(helper.make_tensor_value_info("age", TensorProto.FLOAT, [1]))
    with pytest.raises(UnsupportedModel, match=r"takes 2 inputs \(x, age\); expected one picture"):
        open_graph(model)


@pytest.mark.parametrize("file", ["FastestDet.onnx", "face-RFB-320.onnx"])
def test_a_detector_is_told(assets, tmp_path, file):
    with pytest.raises(TryAsDetector, match=r"as detectors do\."):
        opened(assets / "models/detection" / file, tmp_path)


def outside(location):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 3], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return graph([POOL, FLAT, gemm()], weights=[tensor])


@pytest.mark.parametrize("location", ["w.bin", "/etc/passwd", "../../../../etc/passwd", ""])
def test_a_lone_file_whose_weights_lie_elsewhere_is_refused(open_graph, tmp_path, location):
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    with pytest.raises(RefusedModel, match="must lie beside the model; pack both into one zip"):
        open_graph(outside(location))


def zipped(tmp_path, model, **files):
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("folder/m.onnx", model.SerializeToString())
        for name, content in files.items():
            archive.writestr(f"folder/{name}.bin", content)
    return tmp_path / "m.zip"


def test_a_zip_with_the_weights_beside_the_model_opens(tmp_path):
    network = opened(zipped(tmp_path, outside("w.bin"), w=WEIGHTS.tobytes()), tmp_path, "onnx-zip")
    images = pictures(2, 8, 8, 3)
    np.testing.assert_allclose(network.forward(images), images.mean((1, 2)) @ WEIGHTS.T, atol=1e-5)
    assert Capability.GRADIENT in network.card.capabilities


def test_a_softmax_is_cut_from_a_model_with_outside_weights_too(tmp_path):
    model = outside("w.bin")
    model.graph.node[-1].output[0] = "s"
    model.graph.node.append(node("Softmax", "s", "y"))
    network = opened(zipped(tmp_path, model, w=WEIGHTS.tobytes()), tmp_path, "onnx-zip")
    assert network.card.gives == "logit"


@pytest.mark.parametrize("location", ["missing.bin", "../scratch.bin", "/etc/passwd"])
def test_a_zip_whose_weights_lie_elsewhere_is_refused(tmp_path, location):
    with pytest.raises(RefusedModel, match="must lie beside the model"):
        opened(zipped(tmp_path, outside(location), w=WEIGHTS.tobytes()), tmp_path, "onnx-zip")


def test_a_link_beside_the_model_is_not_followed(tmp_path):
    (tmp_path / "w.bin").symlink_to("/etc/passwd")
    with pytest.raises(RefusedModel, match="must lie beside the model"):
        check_outside_data(outside("w.bin"), str(tmp_path))


def test_weights_that_claim_more_than_they_store_are_refused(open_graph):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[10**6, 10**6], raw_data=bytes(16))
    with pytest.raises(RefusedModel, match="claims 1000000000000 numbers but stores 16 bytes"):
        open_graph(graph([POOL, FLAT, gemm()], weights=[tensor]))


@pytest.mark.parametrize("content", [b"", b"plain words", bytes(range(256)) * 9])
def test_a_damaged_file_is_called_damaged(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(RefusedModel, match="damaged or is not an ONNX model"):
        opened(tmp_path / "m.onnx", tmp_path)


def test_a_truncated_file_is_called_damaged(assets, tmp_path):
    shutil.copyfile(assets / "models/onnx/resnet20_cifar10.onnx", tmp_path / "m.onnx")
    with open(tmp_path / "m.onnx", "r+b") as file:
        file.truncate(500_000)
    with pytest.raises(RefusedModel, match="damaged or is not an ONNX model"):
        opened(tmp_path / "m.onnx", tmp_path)


def test_resnet20_sees_what_is_in_cifar_pictures(assets, tmp_path, cifar):
    network = opened(assets / "models/onnx/resnet20_cifar10.onnx", tmp_path)
    inputs = (cifar[0] - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    assert (network.forward(inputs).argmax(axis=1) == cifar[1]).mean() > 0.88
    assert Capability.GRADIENT in network.card.capabilities


@pytest.mark.long
def test_efficientnet_lite_offers_gradients(assets, tmp_path):
    card = opened(assets / "models/onnx/efficientnet_lite0.onnx", tmp_path).card
    assert (card.classes, card.gives) == (1000, "logit")
    assert Capability.GRADIENT in card.capabilities
    assert (card.input.height, card.input.batch) == (224, None)


def convolution(*, dtype=TensorProto.FLOAT, shape=FREE, first=()):
    """Pictures through a 3x3 convolution, a ReLU, the mean over places, and WEIGHTS."""
    kernel = np.random.default_rng(2).standard_normal((3, 3, 3, 3)).astype(np.float32)
    weights = [numpy_helper.from_array(kernel, "k"), numpy_helper.from_array(WEIGHTS, "w")]
    through = helper.make_node("Conv", ["t" if first else "x", "k"], ["c"])
    pool = node("GlobalAveragePool", "r", "p")
    return graph([*first, through, node("Relu", "c", "r"), pool, FLAT, gemm()], shape, dtype, weights)


TURNED = {
    "NCHW": {},
    "NHWC": {"shape": ["N", 8, 8, 3], "first": [node("Transpose", "x", "t", perm=[0, 3, 1, 2])]},
    "batches of two": {"shape": [2, 3, 8, 8]},
    "whole numbers": {"dtype": TensorProto.UINT8, "first": [node("Cast", "x", "t", to=TensorProto.FLOAT)]},
}


@pytest.mark.parametrize("form", TURNED)
def test_layers_are_read_and_replaced_through_the_twin(open_graph, form):
    network, images = open_graph(convolution(**TURNED[form])), pictures(3, 8, 8, 3) * 9
    layer = network.card.layers[-1]
    assert (layer.height, layer.width, layer.channels) == (6, 6, 3)
    values, gradients = network.layer_gradients(images, np.array([0, 1, 3]), "logit", layer.name)
    np.testing.assert_allclose(network.activations(images, layer.name), values, atol=1e-5)
    np.testing.assert_allclose(gradients, np.broadcast_to(WEIGHTS[[0, 1, 3], None, None] / 36, values.shape), atol=1e-6)
    again = network.resume(images[:1], layer.name, values)
    np.testing.assert_allclose(again, network.forward(images), rtol=1e-4, atol=1e-4)


def test_a_graph_without_a_twin_lacks_all_but_predictions(open_graph):
    odd = node("Hardmax", "x", "d")
    card = open_graph(graph([odd, node("Flatten", "d", "y")])).card
    assert set(card.missing) == {capability.name for capability in OF_CLASSIFIERS & ~Capability.PREDICT}


@pytest.mark.parametrize(
    ("name", "side", "layer"),
    [("resnet20_cifar10", 8, "layer3/"), pytest.param("efficientnet_lite0", 7, "bn2/act/Clip", marks=pytest.mark.long)],
)
def test_the_last_layer_of_a_real_graph_lies_before_its_head(assets, tmp_path, name, side, layer):
    network = opened(assets / f"models/onnx/{name}.onnx", tmp_path)
    last = network.card.layers[-1]
    assert (last.height, last.width) == (side, side)
    assert last.name.startswith(layer)
    images = pictures(1, network.card.input.height, network.card.input.width, 3)
    values = np.repeat(network.activations(images, last.name), 2, axis=0)
    plain = np.repeat(network.forward(images), 2, axis=0)
    np.testing.assert_allclose(network.resume(images, last.name, values), plain, atol=1e-3)


@pytest.mark.parametrize("opset", [17, pytest.param(20, marks=pytest.mark.long)])
def test_attention_of_an_exported_vit_is_that_of_the_module(assets, tmp_path, opset):
    """From version 20 on a GELU is one operator, which older ones do not have."""
    vit = vit_on_mnist(assets).eval()
    free = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "N"}}, "opset_version": opset}
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings(action="ignore"):  # of an exporter that many files were made with
            torch.onnx.export(vit, (torch.rand(1, 3, 28, 28),), str(tmp_path / "m.onnx"), dynamo=False, **free)
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    network = opened(tmp_path / "m.onnx", tmp_path)
    assert network.card.token_grid == (7, 7)
    asked = pictures(2, 28, 28, 3), np.array([3, 1]), "logit"
    for ours, theirs in zip(network.attentions(*asked), network_of(vit, 28).attentions(*asked), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def test_operators_of_a_newer_version_have_gradients_too(open_graph):
    shape = numpy_helper.from_array(np.array([-1, 3], np.int64), "shape")
    reshape = helper.make_node("Reshape", ["p", "shape"], ["f"])
    model = graph([POOL, reshape, gemm()], weights=[numpy_helper.from_array(WEIGHTS, "w"), shape], opset=20)
    model.graph.node[-1].input[0] = "f"
    assert Capability.GRADIENT in open_graph(model).card.capabilities


@pytest.mark.parametrize("words", ["Failed to allocate memory for requested buffer of size 64", "std::bad_alloc"])
def test_a_session_without_memory_is_asked_for_less(words, open_graph):
    network, asked = open_graph(linear()).native, []
    scores = network._answers
    whole = scores._session

    class Session:
        def run(self, names, feed):
            asked.append(len(feed["x"]))
            if asked[-1] > 2:
                raise RuntimeError(f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {words}")
            return whole.run(names, feed)

    scores._session = Session()
    with pytest.raises(OutOfMemory, match="ran out of memory on 5 pictures"):
        network.forward(pictures(5, 8, 8, 3))
    model = Model(network, Preprocessing(8, 8))
    np.testing.assert_allclose(
        model.outputs(pictures(5, 8, 8, 3)), pictures(5, 8, 8, 3).mean((1, 2)) @ WEIGHTS.T, atol=1e-5
    )
    assert asked == [5, 5, 2, 2, 1]


def test_only_so_many_pictures_are_asked_at_once(open_graph, monkeypatch):
    monkeypatch.setattr(session, "AT_ONCE", 3 * 64)
    network, asked = open_graph(linear()).native, []
    one_batch = network._answers._one_batch
    network._answers._one_batch = lambda part: asked.append(len(part)) or one_batch(part)
    network.forward(pictures(5, 8, 8, 3))
    assert asked == [3, 2]


def test_a_key_says_the_precision_only_where_it_is_not_float32(open_graph, monkeypatch):
    monkeypatch.setattr(precisions, "knows", lambda device, precision: True)
    network = open_graph(linear()).native
    rough = network.at("bfloat16")
    assert (rough.key, rough.at("float32").key) == ("bfloat16", network.key)
