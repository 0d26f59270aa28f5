"""PyTorch networks in bfloat16: nearly the same gradients, another key, and nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_adapters.pytorch import precisions
from model_adapters.pytorch.network import TorchNetwork
from xai_core.types import Capability, Card, InputSpec

CARD = Card("pytorch", "a test", 4, InputSpec(None, None), Capability.PREDICT | Capability.GRADIENT)
INPUTS = np.random.default_rng(0).standard_normal((3, 24, 24, 3), np.float32)
TARGETS = np.array([0, 1, 3])


@pytest.fixture
def network(monkeypatch) -> TorchNetwork:
    monkeypatch.setattr(precisions, "knows", lambda device, precision: True)
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 16, 5, 2), torch.nn.SiLU(), torch.nn.AdaptiveAvgPool2d(3), torch.nn.Flatten()]
    return TorchNetwork(torch.nn.Sequential(*layers, torch.nn.Linear(144, 4)), CARD)


def cosine(a, b):
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_gradients_are_nearly_those_of_float32(network, score):
    exact, rough = (network.at(p).backward(INPUTS, TARGETS, score) for p in ("float32", "bfloat16"))
    assert rough.dtype == np.float32
    assert not np.array_equal(exact, rough)
    assert cosine(exact, rough) > 0.999


def test_scores_are_nearly_those_of_float32(network):
    exact, rough = (network.at(p).forward(INPUTS) for p in ("float32", "bfloat16"))
    assert not np.array_equal(exact, rough)
    np.testing.assert_allclose(rough, exact, atol=0.02 * np.abs(exact).max())


def test_the_float32_network_stays_as_it_was(network):
    before = network.backward(INPUTS, TARGETS, "logit")
    network.at("bfloat16").backward(INPUTS, TARGETS, "logit")
    np.testing.assert_array_equal(network.backward(INPUTS, TARGETS, "logit"), before)


def test_a_key_says_the_precision_only_where_it_is_not_float32(network):
    rough = network.at("bfloat16")
    assert (network.key, rough.key, rough.at("float32").key) == ("", "bfloat16", "")
    other = network.randomised(3)
    assert other.at("bfloat16").at("float32").key == other.key != ""


def test_other_rules_stay_in_float32(network):
    found = [network.at(p).backward(INPUTS, TARGETS, "logit", "guided") for p in ("float32", "bfloat16")]
    np.testing.assert_array_equal(*found)


def test_a_processor_without_bfloat16_keeps_to_float32(network, monkeypatch):
    monkeypatch.setattr(precisions, "knows", lambda device, precision: precision == "float32")
    assert network.at("bfloat16") is network
