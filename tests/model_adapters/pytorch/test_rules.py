"""Ways back through a network that change what passes its nonlinearities, however these are written."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from model_adapters.pytorch.architectures import build
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.rules import activations_of
from xai_core.errors import ModelError
from xai_core.types import Capability, Card, InputSpec

TARGETS = np.array([1, 3])
SPELLINGS = {
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU in place": nn.ReLU(inplace=True),
    "F.relu": functional.relu,
    "F.relu in place": lambda x: functional.relu(x, True),
    "torch.relu": torch.relu,
    "Tensor.relu_, its answer thrown away": lambda x: (x.relu_(), x)[1],
    "clamp": lambda x: torch.clamp(x, min=0),
    "clamp in place": lambda x: (x.clamp_(min=0), x)[1],
    "aten": torch.ops.aten.relu.default,
}
SPELLINGS_OF_SIX = {
    "nn.ReLU6": nn.ReLU6(),
    "F.relu6 in place": lambda x: functional.relu6(x, inplace=True),
    "F.hardtanh": lambda x: functional.hardtanh(x, 0.0, 6.0),
    "clamp to 6": lambda x: x.clamp(min=0, max=6),
    "aten": torch.ops.aten.hardtanh.default,
}


class Small(nn.Module):
    """Two convolutions, the same activation after both."""

    def __init__(self, activation):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3)
        self.last = nn.Linear(6 * 64, 5)
        self.activation = activation

    def forward(self, x):
        x = self.activation(self.first(4 * x))
        return self.last(torch.flatten(self.activation(self.second(x)), 1))


def pictures(seed=0, count=2, side=12):
    return np.random.default_rng(seed).standard_normal((count, side, side, 3), np.float32)


def network(module, batch=None):
    card = Card("pytorch", "in memory", 5, InputSpec(None, None, batch=batch), Capability.PREDICT | Capability.GRADIENT)
    return TorchNetwork(module, card)


def back(module, rule, score="logit", **options):
    return network(module, **options).backward(pictures(), TARGETS, score, rule, references_of(rule))


def references_of(rule):
    return pictures(seed=1) if rule == "rescale" else None


def by_hand(rule, top=None):
    """The gradient with every step of the way back written out."""
    module = Small(None)
    x = torch.from_numpy(pictures()).permute(0, 3, 1, 2)
    one = module.first(4 * x)
    two = module.second(one.clamp(0, top))
    coming = module.last.weight[TARGETS].reshape(2, 6, 8, 8)
    for values, layer in ((two, module.second), (one, module.first)):
        opened = (values > 0) & (values < (top or np.inf)) if rule == "guided" else torch.ones_like(values)
        coming = functional.conv_transpose2d(coming.clamp(min=0) * opened, layer.weight)
    return 4 * coming.detach().permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_relu_follows_the_rule(spelling, rule):
    np.testing.assert_allclose(back(Small(SPELLINGS[spelling]), rule), by_hand(rule), atol=1e-6)


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
@pytest.mark.parametrize("spelling", SPELLINGS_OF_SIX)
def test_every_spelling_of_a_relu6_follows_the_rule(spelling, rule):
    activation = SPELLINGS_OF_SIX[spelling]
    if spelling == "aten":
        np.testing.assert_allclose(back(Small(lambda x: activation(x, 0, 6)), rule), by_hand(rule, 6), atol=1e-6)
    else:
        np.testing.assert_allclose(back(Small(activation), rule), by_hand(rule, 6), atol=1e-6)


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_relus_inside_torchscript_and_exported_graphs_follow_the_rule(rule):
    sample = torch.zeros(2, 3, 12, 12)
    with warnings.catch_warnings(action="ignore"):
        traced = torch.jit.trace(Small(nn.ReLU()), sample)
        exported = torch.export.export(Small(nn.ReLU()), (sample,)).module()
    for module in (traced, exported):
        np.testing.assert_allclose(back(module, rule), by_hand(rule), atol=1e-6)


@pytest.mark.parametrize("rule", ["deconvnet", "guided", "rescale"])
def test_the_gradient_is_itself_again_afterwards(rule):
    module = Small(functional.relu)
    before = back(module, "gradient")
    back(module, rule)
    assert np.array_equal(back(module, "gradient"), before)


def test_a_network_without_relus_says_what_it_has_instead():
    found = activations_of(lambda: Small(nn.SiLU())(torch.zeros(1, 3, 12, 12)))
    assert not found.relus
    assert "no ReLU; its activations are SiLU." in found.reason


def test_a_mixed_network_says_how_many_activations_follow_the_rule():
    module = build("torchvision/mobilenet_v3_small", 5).eval()
    with torch.no_grad():
        found = activations_of(lambda: module(torch.zeros(1, 3, 64, 64)))
    assert not found.reason
    assert "at 14 of 42 activations, the ReLUs; Hardswish and Hardsigmoid pass the plain gradient" in found.note


CURVES = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "leaky_relu in place": lambda x: functional.leaky_relu(x, 0.2, True),
    "elu": functional.elu,
    "selu": functional.selu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu in place": lambda x: functional.silu(x, inplace=True),
    "gelu": lambda x: functional.gelu(x, approximate="tanh"),
    "hardswish in place": lambda x: (functional.hardswish(x, True), x)[1],
    "hardsigmoid": functional.hardsigmoid,
    "mish": functional.mish,
    "softplus": functional.softplus,
    "prelu": nn.PReLU(),
    "clamp": lambda x: x.clamp(-0.5, 0.5),
    "max pooling": lambda x: functional.max_pool2d(x, 3, 1, 1),
    "a gate": lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
    "a gate in place": lambda x: x.mul_(torch.sigmoid(x.mean((2, 3), keepdim=True))),
    "swish in two steps": lambda x: x * x.sigmoid(),
    "gelu in steps": lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5)),
}


def adds_up(module, score="logit", **options):
    asked = network(module, **options)
    images, references = pictures(), pictures(seed=1)
    slopes = asked.backward(images, TARGETS, score, "rescale", references)
    ends = [torch.from_numpy(asked.forward(each)) for each in (images, references)]
    ends = [end if score == "logit" else end.softmax(1) for end in ends]
    wanted = (ends[0] - ends[1]).numpy()[np.arange(2), TARGETS]
    np.testing.assert_allclose((slopes * (images - references)).sum((1, 2, 3)), wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("curve", CURVES)
def test_by_the_rescale_rule_shares_add_up_to_the_score_s_difference(curve):
    adds_up(Small(CURVES[curve]))


def test_shares_of_a_probability_add_up_too():
    adds_up(Small(functional.relu), score="probability")


def test_a_fixed_batch_keeps_each_picture_with_its_reference():
    adds_up(Small(functional.relu), batch=1)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121", "efficientnet_b0"])
def test_on_whole_networks_shares_add_up(name):
    torch.manual_seed(0)
    module = build(f"torchvision/{name}", 5).eval()
    asked = network(module)
    images, black = pictures(count=1, side=64), np.zeros((1, 64, 64, 3), np.float32)
    slopes = asked.backward(images, np.array([2]), "logit", "rescale", black)
    ends = asked.forward(images)[0, 2] - asked.forward(black)[0, 2]
    assert float((slopes * images).sum()) == pytest.approx(float(ends), rel=1e-3)


def test_an_activation_s_slope_is_the_gradient_where_input_and_reference_are_the_same():
    asked = network(Small(functional.gelu))
    same = asked.backward(pictures(), TARGETS, "logit", "rescale", pictures())
    np.testing.assert_allclose(same, asked.backward(pictures(), TARGETS, "logit"), atol=1e-6)


def test_a_network_that_takes_another_way_for_the_reference_is_told():
    def fickle(x):
        return functional.relu(x) if x.mean() > 0 else torch.tanh(x)

    module = nn.Sequential(nn.Flatten(), nn.Linear(3, 5))
    module.forward = lambda x: module[1](fickle(x).flatten(1))
    ones = np.ones((1, 1, 1, 3), np.float32)
    with pytest.raises(ModelError, match="a different path for the baseline"):
        network(module).backward(ones, np.array([0]), "logit", "rescale", -ones)


@pytest.mark.long
def test_the_rules_load_no_compiler():
    code = (
        "import sys, torch; from model_adapters.pytorch.rules import activations_of; "
        "assert activations_of(lambda: torch.relu(torch.ones(2))).relus == 1; assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=540)
