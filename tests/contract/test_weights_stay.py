"""A method that ran, was cancelled or failed leaves the weights as they were, bit for bit."""

from __future__ import annotations

import hashlib
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import model_adapters
from tests.contract.quick import quick, why_not
from vitrine import samples
from xai_core import methods  # noqa: F401  (registers the methods)
from xai_core.errors import ModelError
from xai_core.method import METHODS, Method
from xai_core.model import Model
from xai_core.network import Network
from xai_core.preprocessing import presets
from xai_core.types import Capability, Floats, ModelSource

SIDE = 64  # where the size is free
TARGETS = np.array([281, 967])


@pytest.fixture(scope="module", params=["PyTorch", "ONNX"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    folder = tmp_path_factory.mktemp("scratch")
    source = sample() if request.param == "PyTorch" else small_graph(folder)
    return model_adapters.load(source, model_adapters.inspect(source), str(folder))


def sample() -> ModelSource:
    return next(m for m in samples.sample_models() if m.framework == "PyTorch").source()


def small_graph(folder: Path) -> ModelSource:
    """Write a graph whose twin in PyTorch is quick, as the sample's takes pictures of 224 pixels only."""
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 8, 3, 4), torch.nn.BatchNorm2d(8), torch.nn.ReLU6(), torch.nn.Conv2d(8, 16, 3, 4)]
    module = torch.nn.Sequential(*layers, torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    head = torch.nn.Linear(16, 1000)
    torch.nn.init.normal_(head.weight)
    options = {"dynamo": False, "opset_version": 17, "input_names": ["input"], "output_names": ["scores"]}
    axes = {"input": {0: "N"}, "scores": {0: "N"}}
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(
            module.append(head).eval(),
            (torch.zeros(1, 3, SIDE, SIDE),),
            folder / "small.onnx",
            dynamic_axes=axes,
            **options,
        )
    return ModelSource(str(folder / "small.onnx"), "small.onnx", "small")


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest, network: Network) -> Method:
    chosen = METHODS[request.param]
    if reason := why_not(chosen, network.card):
        pytest.skip(reason)
    if network.card.framework == "onnx" and chosen.needs == Capability.PREDICT:
        pytest.skip("The weights of a runtime cannot change.")
    return quick(chosen, network.card, (side(network), side(network)))


def side(network: Network) -> int:
    return network.card.input.height or SIDE


@pytest.fixture
def image(network: Network) -> Floats:
    return np.random.default_rng(0).random((side(network), side(network), 3), dtype=np.float32)


def digest(network: Any) -> str:
    """Return the digest of the weights that can change; those of an ONNX file are its twin's."""
    found, inner = hashlib.sha256(), network.native
    module = getattr(inner, "native", inner)._module
    for name, tensor in module.state_dict().items():
        found.update(name.encode() + tensor.numpy().tobytes())
    return found.hexdigest()


def asked(network: Network) -> Model:
    return Model(network, presets(side(network), side(network))["ImageNet mean/std"])


def test_after_a_run_whose_fractions_rise_to_one(network: Network, method: Method, image: Floats) -> None:
    before, scores = digest(network), network.forward(image[None])
    fractions = [estimate.fraction for estimate in method.explain(asked(network), image, TARGETS)]
    assert fractions == sorted(fractions)
    assert fractions[0] > 0
    assert fractions[-1] == 1
    assert digest(network) == before
    np.testing.assert_array_equal(network.forward(image[None]), scores)


def test_after_a_cancel_and_after_an_error(network: Network, method: Method, image: Floats) -> None:
    before, scores = digest(network), network.forward(image[None])
    steps = method.explain(asked(network), image, TARGETS)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    with suppress(ModelError, ValueError, IndexError, RuntimeError):  # a method that is blind to classes goes on
        list(method.explain(asked(network), image, np.array([5000, -5000])))
    assert digest(network) == before
    np.testing.assert_array_equal(network.forward(image[None]), scores)


def test_after_the_last_layer_was_made_random(network: Network, image: Floats) -> None:
    before, scores = digest(network), network.forward(image[None])
    other = network.randomised(0)
    changed = other.forward(image[None])
    assert np.abs(changed - scores).max() > 0.1
    assert other.key != network.key  # under which outputs are kept
    assert digest(network) == before
    np.testing.assert_array_equal(network.forward(image[None]), scores)
    np.testing.assert_array_equal(other.forward(image[None]), changed)
