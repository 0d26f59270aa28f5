"""A method that ran, was cancelled or failed leaves the weights as they were, bit for bit."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import model_adapters
from tests.contract.quick import quick, why_not
from xai_core import methods, samples  # noqa: F401  (registers the methods)
from xai_core.errors import ModelError
from xai_core.method import METHODS, Method
from xai_core.model import Model
from xai_core.preprocessing import presets
from xai_core.types import Network

SIDE = 64
TARGETS = np.array([281, 967])
IMAGE = np.random.default_rng(0).random((SIDE, SIDE, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    source = next(m for m in samples.sample_models() if m.framework == "PyTorch").source()
    return model_adapters.load(source, model_adapters.inspect(source), str(tmp_path_factory.mktemp("scratch")))


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest, network: Network) -> Method:
    if reason := why_not(METHODS[request.param], network.card):
        pytest.skip(reason)
    return quick(METHODS[request.param], network.card, (SIDE, SIDE))


def digest(network: Any) -> str:
    found = hashlib.sha256()
    for name, tensor in network.native._module.state_dict().items():
        found.update(name.encode() + tensor.numpy().tobytes())
    return found.hexdigest()


def asked(network: Network) -> Model:
    return Model(network, presets(SIDE, SIDE)["ImageNet mean/std"])


def test_after_a_run(network: Network, method: Method) -> None:
    before, scores = digest(network), network.forward(IMAGE[None])
    list(method.explain(asked(network), IMAGE, TARGETS))
    assert digest(network) == before
    np.testing.assert_array_equal(network.forward(IMAGE[None]), scores)


def test_after_a_cancel_and_after_an_error(network: Network, method: Method) -> None:
    before, scores = digest(network), network.forward(IMAGE[None])
    steps = method.explain(asked(network), IMAGE, TARGETS)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    with suppress(ModelError, ValueError, IndexError, RuntimeError):  # a method that is blind to classes goes on
        list(method.explain(asked(network), IMAGE, np.array([5000, -5000])))
    assert digest(network) == before
    np.testing.assert_array_equal(network.forward(IMAGE[None]), scores)


def test_after_the_last_layer_was_made_random(network: Network) -> None:
    before, scores = digest(network), network.forward(IMAGE[None])
    other = network.randomised(0)
    changed = other.forward(IMAGE[None])
    assert np.abs(changed - scores).max() > 0.1
    assert digest(network) == before
    np.testing.assert_array_equal(network.forward(IMAGE[None]), scores)
    np.testing.assert_array_equal(other.forward(IMAGE[None]), changed)
