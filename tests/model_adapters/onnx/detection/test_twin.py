"""Inside ONNX detectors: the levels of their pyramids, and gradients that equal finite differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_detectors import opened

from model_adapters.onnx.detection.draft import NOT_CONVERTED
from model_adapters.onnx.detection.levels import levels_of
from xai_core.detector import BoxTarget
from xai_core.errors import ModelError, OutOfMemory, UnsupportedModel
from xai_core.types import Capability

SIDE, CHANNELS = 64, 4
ROWS = {8: 64, 16: 16}
RED = np.zeros((SIDE, SIDE, 3), np.float32)
RED[16:40, 24:40, 0] = 1


def conv(source, name, rng, size, inputs, outputs, stride=1, bias=0.0):
    """Return a convolution with random weights, padded so that only the stride changes the grid."""
    scale = 1 / np.sqrt(inputs * size * size)
    kernel = rng.normal(0, scale, (outputs, inputs, size, size)).astype(np.float32)
    weights = [numpy_helper.from_array(kernel, f"{name}_w")]
    weights.append(numpy_helper.from_array(np.full(outputs, bias, np.float32), f"{name}_b"))
    ends = [source, f"{name}_w", f"{name}_b"], [name]
    node = helper.make_node("Conv", *ends, name=name, pads=[size // 2] * 4, strides=[stride] * 2)
    return [node], weights


def yolo_like(seed=0):
    """Return a network with two heads, of strides 8 and 16, whose rows (1, 80, 4 + 2) hold corners' centre and size."""
    rng = np.random.default_rng(seed)
    nodes, weights = [], []

    def add(parts):
        nodes.extend(parts[0])
        weights.extend(parts[1])

    def through(kind, source, name, **settings):
        nodes.append(helper.make_node(kind, source if isinstance(source, list) else [source], [name], **settings))

    add(conv("images", "stem", rng, 9, 3, CHANNELS, stride=8, bias=0.1))
    through("Relu", "stem", "fine")
    add(conv("fine", "down", rng, 3, CHANNELS, CHANNELS, stride=2, bias=0.1))
    through("Relu", "down", "coarse")
    for level, stride in (("fine", 8), ("coarse", 16)):
        add(conv(level, f"{level}_box", rng, 3, CHANNELS, 4))
        add(conv(level, f"{level}_class", rng, 3, CHANNELS, 2, bias=-1))
        through("Sigmoid", f"{level}_class", f"{level}_scores")
        through("Sigmoid", f"{level}_box", f"{level}_unit")
        through("Concat", [f"{level}_unit", f"{level}_scores"], f"{level}_maps", axis=1)
        weights.append(numpy_helper.from_array(np.array([1, 6, ROWS[stride]]), f"{level}_shape"))
        through("Reshape", [f"{level}_maps", f"{level}_shape"], f"{level}_rows")
    through("Concat", ["fine_rows", "coarse_rows"], "output0", axis=2)
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    rows = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 6, 80])
    graph = helper.make_graph(nodes, "g", [image], [rows], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {"names": "['hen', 'cow']"})
    return model


def written(model, folder):
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return opened(folder / "m.onnx", folder)


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return written(yolo_like(), tmp_path_factory.mktemp("twin"))


def target_of(detector):
    (boxes,) = detector.detect(RED[None], 0.05)
    return BoxTarget.of(boxes, 0)


def test_levels_are_where_the_heads_of_each_grid_begin():
    assert levels_of(yolo_like(), "images") == {"fine": (1, CHANNELS, 8, 8), "coarse": (1, CHANNELS, 4, 4)}


def test_the_card_lists_the_levels_and_offers_gradients(detector):
    assert [(level.name, level.height, level.channels) for level in detector.card.layers] == [
        ("8x8", 8, CHANNELS),
        ("4x4", 4, CHANNELS),
    ]
    inside = Capability.ACTIVATIONS | Capability.GRADIENT | Capability.ABLATION
    assert detector.card.capabilities == Capability.DETECT | inside


def test_the_twin_is_made_when_something_inside_is_first_asked_for(tmp_path):
    detector = written(yolo_like(), tmp_path)
    assert detector.detect(RED[None], 0.05)
    assert "_outcome" not in vars(detector._draft)
    detector.pyramid(RED, ("8x8",))
    assert "_outcome" in vars(detector._draft)


def test_a_graph_that_no_converter_knows_says_so_then(tmp_path, monkeypatch):
    monkeypatch.setattr("model_adapters.onnx.detection.twin.modules", lambda model: iter(()))
    with pytest.raises(UnsupportedModel, match=r"not available for this ONNX detector. Choose D-RISE"):
        written(yolo_like(), tmp_path).pyramid(RED, ("8x8",))


def test_operators_without_a_gradient_are_said_on_the_card(tmp_path):
    model = yolo_like()
    model.graph.node.append(helper.make_node("DynamicQuantizeLinear", ["images"], ["steps", "step", "zero"]))
    card = written(model, tmp_path).card
    assert card.capabilities == Capability.DETECT
    assert card.missing["GRADIENT"] == NOT_CONVERTED


def test_feature_maps_are_those_of_the_graph(detector):
    fine, coarse = detector.pyramid(RED, ("8x8", "4x4"))
    kernel, bias = (numpy_helper.to_array(weight) for weight in yolo_like().graph.initializer[:2])
    planes = torch.from_numpy(RED.transpose(2, 0, 1)[None])
    stem = torch.nn.functional.conv2d(planes, torch.tensor(kernel), torch.tensor(bias), stride=8, padding=4)
    np.testing.assert_allclose(fine, stem.relu()[0].permute(1, 2, 0).numpy(), atol=1e-5)
    assert coarse.shape == (4, 4, CHANNELS)


@pytest.mark.parametrize("aspect", ["score", "left", "bottom", "width"])
def test_the_aspect_is_that_of_the_box_and_its_gradient_that_of_the_score(detector, aspect):
    target = target_of(detector)
    value, (fine, coarse) = detector.box_gradients(RED, target, aspect, ("8x8", "4x4"))
    left, _, right, bottom = target.corners
    logit = np.log(target.score / (1 - target.score))
    expected = {"score": logit, "left": left, "bottom": bottom, "width": right - left}[aspect]
    if aspect != "left":  # the left edge is outside the picture, where boxes are clipped
        np.testing.assert_allclose(value, expected, atol=1e-3)
    assert np.abs(fine).max() + np.abs(coarse).max() > 0


def test_a_step_along_the_gradient_changes_the_score_as_it_says(detector):
    """The twin's rows are recomputed with a little more of one feature, through the heads alone."""
    target, twin = target_of(detector), detector._draft.twin
    _, (fine, _) = detector.box_gradients(RED, target, "score", ("8x8", "4x4"))
    passed = detector.pyramid(RED, ("8x8",))[0] > 0  # by the ReLU
    place, step = np.unravel_index((np.abs(fine) * passed).argmax(), fine.shape), 1e-2
    hook = dict(twin.module.named_modules())["stem"].register_forward_hook(
        lambda module, inputs, output: _moved(output, place, step)
    )
    changed, _ = detector.box_gradients(RED, target, "score", ("8x8",))
    hook.remove()
    value, _ = detector.box_gradients(RED, target, "score", ("8x8",))
    np.testing.assert_allclose((changed - value) / step, fine[place], rtol=0.05)


def _moved(output, place, step):
    moved = output.clone()
    moved[0, place[2], place[0], place[1]] += step
    return moved


def test_a_level_that_is_not_there_is_named(detector):
    with pytest.raises(ModelError, match="no level 'deep'; its levels are 8x8, 4x4"):
        detector.pyramid(RED, ("deep",))


def test_a_box_that_is_not_there_is_said(detector):
    away = BoxTarget((900.0, 900.0, 910.0, 910.0), 0, 0.5, (0.5, 0))
    with pytest.raises(ModelError, match="does not find this box"):
        detector.box_gradients(RED, away, "score", ("8x8",))


EVERY = np.array([[level, channel] for level in (0, 1) for channel in range(CHANNELS)])


def test_without_a_channel_the_heads_see_the_level_without_it(detector):
    """The heads of the fine level are two convolutions with a sigmoid."""
    (fine,) = detector.pyramid(RED, ("8x8",))
    fine[:, :, 1] = 0
    weights = {weight.name: numpy_helper.to_array(weight) for weight in yolo_like().graph.initializer}
    planes = torch.from_numpy(fine.transpose(2, 0, 1)[None])
    kernel, bias = (torch.tensor(weights[f"fine_class_{part}"]) for part in "wb")
    scores = torch.nn.functional.conv2d(planes, kernel, bias, padding=1).sigmoid().reshape(2, -1).T
    (found,) = detector._draft.cut.without(RED[None], EVERY[1:2], 0.0, None)
    np.testing.assert_allclose(found.class_scores[: ROWS[8]], scores, atol=1e-6)


class Failing:
    def __init__(self, error):
        self.error = error

    def run(self, names, feed):
        raise self.error


@pytest.mark.parametrize("part", ["before", "after"])
def test_a_part_that_fails_says_at_which_size(detector, part):
    cut = replace(detector._draft.cut, **{part: Failing(RuntimeError("Non-zero status code"))})
    with pytest.raises(ModelError, match="stopped with an error at a picture of 64 x 64 pixels"):
        cut.without(RED[None], EVERY[:1], 0.0, None)


def test_a_part_that_runs_out_of_memory_says_so(detector):
    cut = replace(detector._draft.cut, after=Failing(MemoryError()))
    with pytest.raises(OutOfMemory, match="ran out of memory on a single picture"):
        cut.without(RED[None], EVERY[:1], 0.0, None)


def test_each_channel_is_switched_off_alone_and_some_matter(detector):
    (before,) = detector.detect(RED[None], 0.05)
    answers = detector.without_channels(RED, EVERY, 0.0, [target_of(detector)], 0.05)
    assert len(answers) == len(EVERY)
    assert max(abs(float(each.scores[0] - before.scores[0])) for each in answers) > 1e-3


def test_channels_are_switched_off_at_the_marked_places_only(detector):
    def answers(flag):
        places = {0: np.full((8, 8), flag), 1: np.full((4, 4), flag)}
        return detector.without_channels(RED, EVERY, -10.0, [target_of(detector)], 0.05, places)

    (before,) = detector.detect(RED[None], 0.05)
    for answer in answers(False):
        np.testing.assert_allclose(answer.scores, before.scores, atol=1e-6)
    whole = detector.without_channels(RED, EVERY, -10.0, [target_of(detector)], 0.05)
    assert all(np.array_equal(some.scores, each.scores) for some, each in zip(answers(True), whole, strict=True))


def test_a_graph_that_cannot_be_cut_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("model_adapters.onnx.detection.ablation.Extractor", lambda model: None)
    detector = written(yolo_like(), tmp_path)
    with pytest.raises(UnsupportedModel, match=r"cannot be switched off one by one. Choose D-RISE"):
        detector.without_channels(RED, EVERY, 0.0, [], 0.05)
