from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.model_adapters.conftest import HERE, Answers, answers_in

EVERY_RUN = ("layers", "nested functions", "dense")
LONG_RUN = (
    "functions",
    "nested",
    "dead",
    "twice",
    "free",
    "planes",
    "two at a time",
    "linear",
    "silu",
    "gelu",
    "leaky_relu",
    "only silu",
    "cifar",
)


class OnDemand(dict[str, Any]):
    """What is known of models, by "model" or "model.what"; a process is started when it is first asked for."""

    def __init__(self, start: Callable[[str], None]) -> None:
        self._start = start

    def __missing__(self, key: str) -> Any:
        self._start(key.partition(".")[0])
        return dict(self)[key]


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Answers:
    """Answers for the models of every run, by the process that others share, and of a second one for the others."""

    def start(model: str) -> None:
        found = answers_in(request.getfixturevalue("tensorflow_folder") if model in EVERY_RUN else long_run(), "inside")
        answers.said.update(found.said)
        answers.arrays.update(found.arrays)

    def long_run() -> Path:
        folder, assets = tmp_path_factory.mktemp("inside"), request.getfixturevalue("assets")
        command = [
            sys.executable,
            "-B",
            str(HERE / "tensorflow/inside_process.py"),
            str(folder),
            str(assets),
            *LONG_RUN,
        ]
        subprocess.run(command, check=True, capture_output=True)
        return folder

    answers = Answers(OnDemand(start), OnDemand(start))
    return answers


def models(*cases: str | tuple[str, ...]) -> list[Any]:
    """Mark the cases of models that only the long run looks into; a model's name comes first."""
    rows = [(case,) if isinstance(case, str) else case for case in cases]
    return [pytest.param(*row, marks=() if row[0] in EVERY_RUN else pytest.mark.long) for row in rows]


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("rule", ["deconvnet", "guided", "rescale"])
@pytest.mark.parametrize("variant", models("nested functions", "functions", "nested"))
def test_a_rule_is_the_same_for_relus_as_layers_as_functions_and_in_an_inner_model(inside, rule, variant):
    expected, plain = inside.arrays[f"layers.{rule}"], inside.arrays["layers.gradient"]
    np.testing.assert_allclose(inside.arrays[f"{variant}.gradient"], plain, atol=1e-7)
    np.testing.assert_allclose(inside.arrays[f"{variant}.{rule}"], expected, atol=1e-7)
    assert np.abs(expected - plain).max() > 0.01 * np.abs(plain).max()


@pytest.mark.parametrize("rule", ["gradient", "deconvnet", "guided", "rescale"])
def test_each_rule_is_as_worked_out_by_hand(inside, rule):
    arrays = inside.arrays
    weights = [(arrays[f"dense.weight {i}"], arrays[f"dense.weight {i + 1}"]) for i in (0, 2, 4)]
    entering, entering0 = (before_relus(arrays[f"dense.{x}"], weights) for x in ("inputs", "references"))
    coming = weights[2][0].T[:3]  # the classes asked for are 0, 1, 2
    for number in (1, 0):
        coming = passed(rule, coming, entering[number], entering0[number]) @ weights[number][0].T
    np.testing.assert_allclose(arrays[f"dense.{rule}"].reshape(3, -1), coming, rtol=1e-4, atol=1e-6)


def before_relus(inputs, weights):
    first = inputs.reshape(3, -1) @ weights[0][0] + weights[0][1]
    return first, np.maximum(first, 0) @ weights[1][0] + weights[1][1]


def passed(rule, coming, x, x0):
    if rule == "rescale":
        return coming * (np.maximum(x, 0) - np.maximum(x0, 0)) / (x - x0)
    positive = coming if rule == "gradient" else np.maximum(coming, 0)
    return positive if rule == "deconvnet" else positive * (x > 0)


@pytest.mark.parametrize("name", models(*EVERY_RUN, "twice", "silu", "gelu", "leaky_relu"))
def test_rescaled_differences_add_up_to_the_difference_of_the_scores(inside, name):
    arrays = inside.arrays
    moved = arrays[f"{name}.inputs"] - arrays[f"{name}.references"]
    whole, none = arrays[f"{name}.scores"], arrays[f"{name}.scores of references"]
    for found, change in (("rescale", whole - none), ("rescaled probability", softmax(whole) - softmax(none))):
        total = (arrays[f"{name}.{found}"] * moved).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(total, change[range(3), range(3)], rtol=1e-4, atol=1e-5)


def test_layers_are_those_on_a_grid_in_the_order_of_the_forward_pass(inside):
    grids = [[12, 12, 4]] * 3 + [[12, 12, 8], [6, 6, 8], [4, 4, 5], [4, 4, 5]]
    names = ["stem", "re_lu", "side", "joined", "pooled", "top", "last"]  # and not "dropped", which changes nothing
    assert inside.said["layers"]["layers"] == [[name, *grid] for name, grid in zip(names, grids, strict=True)]


def test_layers_of_an_inner_model_have_its_name_before_theirs(inside):
    found = [name for name, *_ in inside.said["nested functions"]["layers"]]
    inner = [name for name, *_ in inside.said["layers"]["layers"]]
    assert found == [f"inner/{name.replace('re_lu', 'relu')}" for name in inner]


@pytest.mark.long
def test_a_layer_that_is_used_twice_is_listed_twice(inside):
    assert [name for name, *_ in inside.said["twice"]["layers"]][1::2] == ["shared", "shared:2"]


@pytest.mark.long
def test_layers_that_no_score_depends_on_are_left_out(inside):
    assert inside.said["dead"]["layers"] == [["stem", 10, 10, 4]]


@pytest.mark.long
def test_layers_are_known_where_the_input_is_free_or_has_its_channels_first(inside):
    assert inside.said["free"]["layers"][-1] == ["grid", 111, 111, 4]
    assert inside.said["planes"]["layers"][-1] == ["grid", 5, 5, 4]


@pytest.mark.parametrize("name", ["side", "last"])
def test_values_and_gradients_of_a_layer_are_those_of_keras(inside, name):
    arrays = inside.arrays
    for what in ("values", "gradients"):
        np.testing.assert_allclose(arrays[f"layers.{name} {what}"], arrays[f"layers.{name} {what} by Keras"], atol=1e-6)
    np.testing.assert_array_equal(arrays[f"layers.{name} again"], arrays[f"layers.{name} values"])


@pytest.mark.parametrize("model", models("nested functions", "nested", "twice", "planes", "two at a time", "cifar"))
def test_gradients_at_a_layer_have_the_shape_of_its_values(inside, model):
    name, *grid = inside.said[model]["layers"][-1] if model != "twice" else inside.said[model]["layers"][-2]
    assert inside.arrays[f"{model}.{name} gradients"].shape == (3, *grid)
    assert inside.arrays[f"{model}.{name} values"].shape == (3, *grid)


@pytest.mark.parametrize(
    ("model", "name"),
    models(
        ("layers", "last"),
        ("nested functions", "inner/last"),
        ("nested", "inner/last"),
        ("planes", "grid"),
        ("two at a time", "only"),
        ("cifar", "batch_normalization_4"),
    ),
)
def test_a_layer_with_the_values_of_other_pictures_gives_their_scores(inside, model, name):
    arrays = inside.arrays
    np.testing.assert_allclose(arrays[f"{model}.{name} resumed"], arrays[f"{model}.scores"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("model", "name"), models(("layers", "side"), ("twice", "shared:2")))
def test_beside_a_replaced_layer_the_picture_itself_goes_on(inside, model, name):
    found, scores = inside.arrays[f"{model}.{name} resumed"], inside.arrays[f"{model}.scores"]
    np.testing.assert_allclose(found[0], scores[0], rtol=1e-4, atol=1e-6)
    assert np.abs(found[1] - scores[1]).max() > 1e-3


def test_the_random_last_layer_is_the_same_for_the_same_seed_and_leaves_the_network_as_it_is(inside):
    arrays, said = inside.arrays, inside.said["layers"]["random"]
    np.testing.assert_array_equal(arrays["layers.own"], arrays["layers.scores"])
    np.testing.assert_array_equal(arrays["layers.own gradient"], arrays["layers.guided"])
    for again in ("random again", "random once more"):
        np.testing.assert_array_equal(arrays[f"layers.{again}"], arrays["layers.random"])
    for other in ("random other", "own"):
        assert np.abs(arrays[f"layers.{other}"] - arrays["layers.random"]).max() > 1e-2
    assert np.abs(arrays["layers.random gradient"] - arrays["layers.guided"]).max() > 1e-3
    assert len(set(said["keys"])) == 3


def test_the_random_last_layer_has_the_deviation_of_the_one_it_replaces(inside):
    said = inside.said["layers"]["random"]
    assert np.mean(said["deviations"]) == pytest.approx(said["own deviation"], rel=0.15)


@pytest.mark.parametrize("name", models(*EVERY_RUN, *LONG_RUN))
def test_a_model_is_as_it_was_when_it_has_been_looked_into(inside, name):
    assert inside.said[name]["untouched"]


def test_only_the_functions_that_were_used_last_are_kept(inside):
    assert inside.said["layers"]["kept"] == [8, 8]


def test_a_layer_that_is_not_there_gets_its_sentence(inside):
    assert inside.said["layers"]["told"] == ("The model has no layer 'no such layer' whose output lies on a grid.")


@pytest.mark.parametrize(
    ("model", "capability", "words"),
    models(
        ("only silu", "BACKWARD_RULES", "no ReLU but silu"),
        ("linear", "BACKWARD_RULES", "no other activation"),
        ("dense", "ACTIVATIONS", "on a grid"),
        ("dense", "ABLATION", "on a grid"),
        ("two at a time", "RESCALE", "takes 2 pictures at a time"),
        ("layers", "PROPAGATION", "Export the model to ONNX"),
        ("layers", "ATTENTION", "PyTorch weights"),
    ),
)
def test_what_is_missing_is_missing_for_a_reason(inside, model, capability, words):
    said = inside.said[model]
    assert capability not in said["capabilities"]
    assert words in said["missing"][capability]


@pytest.mark.parametrize(
    "model", models("layers", "nested functions", "functions", "nested", "twice", "free", "planes", "cifar")
)
def test_all_else_is_offered(inside, model):
    offered = ["PREDICT", "GRADIENT", "BACKWARD_RULES", "RESCALE", "ACTIVATIONS", "ABLATION", "RANDOMISATION"]
    assert inside.said[model]["capabilities"] == offered


@pytest.mark.long
def test_the_cifar_model_which_ends_in_a_relu_is_looked_into(inside):
    assert inside.said["cifar"]["layers"][-1] == ["batch_normalization_4", 3, 3, 64]
    guided, plain = inside.arrays["cifar.guided"], inside.arrays["cifar.gradient"]
    assert np.isfinite(guided).all()
    assert guided.shape == plain.shape
