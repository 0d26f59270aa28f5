"""Relevance goes back through a network without being lost on the way, and the network stays as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from model_adapters.pytorch.architectures import build
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.propagation import Following
from xai_core.errors import UnsupportedModel
from xai_core.types import Capability, Card, InputSpec, Propagation

TARGETS = np.array([1, 3])
RULES = [Propagation("epsilon"), Propagation("gamma"), Propagation("alpha_beta")]


class Net(nn.Module):
    """Convolutions without bias; `way` says what happens between the first and the last layer."""

    def __init__(self, way):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 6, 3, bias=False), nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.last = nn.Linear(6 * 100, 5, bias=False)
        self.way = way

    def forward(self, x):
        x = functional.relu(self.first(x))
        return self.last(torch.flatten(self.way(self, x), 1))


def gate(net, x):
    return x * torch.sigmoid(x.mean((2, 3), keepdim=True))


def added_in_place(net, x):
    out = net.second(x)
    out += x
    return functional.relu(out)


KEEP_ALL = {
    "a chain": lambda net, x: functional.relu(net.second(x)),
    "a residual addition": lambda net, x: functional.relu(net.second(x) + x),
    "an addition in place": added_in_place,
    "torch.add": lambda net, x: torch.add(net.second(x), x).relu(),
    "a difference": lambda net, x: functional.relu(net.second(x) - x),
    "a layer used twice": lambda net, x: functional.relu(net.second(functional.relu(net.second(x)))),
    "a gate": gate,
    "a swish in two steps": lambda net, x: x * x.sigmoid(),
    "an activation": lambda net, x: functional.silu(net.second(x), inplace=True),
    "a maximum": lambda net, x: functional.max_pool2d(x, 3, 1, 1),
    "a maximum of places": lambda net, x: x + x.max(2, keepdim=True)[0],
    "a mean": lambda net, x: functional.avg_pool2d(x, 3, 1, 1),
    "branches": lambda net, x: torch.cat([net.second(x)[:, :3], x[:, 3:]], 1).relu(),
}


def pictures(count=2, side=12):
    return np.random.default_rng(0).standard_normal((count, side, side, 3), np.float32)


def network(module):
    card = Card("pytorch", "in memory", 5, InputSpec(None, None), Capability.PREDICT | Capability.GRADIENT)
    return TorchNetwork(module, card)


def weights_of(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize("propagation", RULES, ids=lambda p: p.rule)
@pytest.mark.parametrize("way", KEEP_ALL)
def test_without_biases_nothing_is_lost(way, propagation):
    asked = network(Net(KEEP_ALL[way]))
    shares = asked.propagate(pictures(), TARGETS, propagation)
    logits = asked.forward(pictures())[np.arange(2), TARGETS]
    np.testing.assert_allclose(shares.sum((1, 2, 3)), logits, rtol=2e-2, atol=1e-4)


def test_an_addition_shares_in_proportion():
    class Two(nn.Module):
        def forward(self, x):
            return (3 * x + x.flip(1))[:, :, 0, 0]

    asked = network(Two())
    inputs = np.array([1.0, 2.0, 4.0], np.float32).reshape(1, 1, 1, 3)
    # the first output is 3 * 1 + 4: relevance 3 of what is the first channel's, 4 of what is the last one's
    shares = asked.propagate(inputs, np.array([0]), Propagation("epsilon"))
    np.testing.assert_allclose(shares[0, 0, 0], [3, 0, 4], atol=1e-4)


def test_epsilon_without_biases_is_input_times_gradient():
    asked = network(Net(KEEP_ALL["a residual addition"]))
    shares = asked.propagate(pictures(), TARGETS, Propagation("epsilon"))
    wanted = pictures() * asked.backward(pictures(), TARGETS, "logit")
    assert np.linalg.norm(shares - wanted) < 0.01 * np.linalg.norm(wanted)


def test_a_batch_normalisation_counts_as_a_part_of_the_layer_before():
    def normalised(net, x):
        return functional.relu(net.norm(net.second(x)))

    def merged(net, x):
        scale = net.norm.weight / torch.sqrt(net.norm.running_var + net.norm.eps)
        shift = net.norm.bias - net.norm.running_mean * scale
        return functional.relu(functional.conv2d(x, net.second.weight * scale[:, None, None, None], shift, padding=1))

    maps = []
    for way in (normalised, merged):
        module = Net(way)
        for values in (module.norm.running_mean, module.norm.bias.data):
            values.copy_(torch.linspace(-0.2, 0.2, 6))
        module.norm.running_var.copy_(torch.linspace(0.1, 2, 6))
        maps.append(network(module).propagate(pictures(), TARGETS, Propagation("gamma")))
    np.testing.assert_allclose(maps[0], maps[1], atol=1e-4 * np.abs(maps[1]).max())


def added_before_norm(net, x):
    out = net.second(x)
    out += x
    return net.norm(out)


def relu_before_norm(net, x):
    return net.norm(functional.relu(net.second(x), inplace=True))


def gate_written_over(net, x):
    out = torch.sigmoid(net.second(x))
    out += x
    return out * x


@pytest.mark.parametrize("way", [added_before_norm, relu_before_norm, gate_written_over])
def test_what_is_done_in_place_counts(way):
    def elsewhere(net, x):
        if way is gate_written_over:
            return (torch.sigmoid(net.second(x)) + x) * x
        out = net.second(x)
        return net.norm(out + x if way is added_before_norm else functional.relu(out))

    module = Net(way)
    for values in (module.norm.running_mean, module.norm.bias.data):
        values.copy_(torch.linspace(-0.2, 0.2, 6))
    asked, tensor = network(module), torch.from_numpy(pictures()).permute(0, 3, 1, 2)
    with Following(Propagation()):
        found = module(tensor.clone().requires_grad_())
    np.testing.assert_allclose(found.detach(), asked.forward(pictures()), atol=1e-4)
    maps = [asked.propagate(pictures(), TARGETS, Propagation())]
    module.way = elsewhere
    maps.append(asked.propagate(pictures(), TARGETS, Propagation()))
    np.testing.assert_allclose(maps[0], maps[1], atol=1e-4 * np.abs(maps[1]).max())


def attended(net, x):
    tokens = x.flatten(2)
    weights = torch.eye(100).repeat(3, 1), torch.zeros(300), None, None, False, 0.0, torch.eye(100), torch.zeros(100)
    return functional.multi_head_attention_forward(tokens, tokens, tokens, 100, 4, *weights, training=False)[0]


def recurrent(net, x):
    return nn.GRU(100, 100, batch_first=True).requires_grad_(False)(x.flatten(2))[0]


def spread(net, x):
    deviation, mean = torch.var_mean(x, (2, 3), keepdim=True)
    return (x - mean) / deviation


@pytest.mark.parametrize(
    ("way", "lacking"), [(attended, "attention"), (recurrent, "recurrent layers"), (spread, "function var_mean")]
)
def test_functions_that_return_several_tensors_are_no_way_round_the_rules(way, lacking):
    with pytest.raises(UnsupportedModel, match=f"no rule for (the )?{lacking}"):
        network(Net(way)).propagate(pictures(), TARGETS, Propagation())


def test_a_layer_whose_input_is_changed_later_is_told_of():
    def changed_later(net, x):
        x = x + 0
        y = net.second(x)
        x += 1
        return y + x

    with pytest.raises(UnsupportedModel, match="input in place"):
        network(Net(changed_later)).propagate(pictures(), TARGETS, Propagation())


def test_a_greater_epsilon_absorbs_more():
    asked = network(Net(KEEP_ALL["a chain"]))
    sums = [np.abs(asked.propagate(pictures(), TARGETS, Propagation("epsilon", e)).sum()) for e in (1e-6, 1, 10)]
    assert sums[0] > sums[1] > sums[2]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121"])
def test_whole_networks_stay_as_they_were(name):
    module = build(f"torchvision/{name}", 5)
    before = weights_of(module)
    shares = network(module).propagate(pictures(1, 64), np.array([2]), Propagation("gamma"))
    assert np.isfinite(shares).all()
    assert all(torch.equal(tensor, before[key]) for key, tensor in module.state_dict().items())
    assert not any(part._forward_hooks or part._backward_hooks for part in module.modules())


def test_a_network_that_no_rule_is_known_for_says_so_and_stays_as_it_was():
    module = Net(lambda net, x: functional.layer_norm(x, x.shape[1:]))
    before, asked = weights_of(module), network(module)
    answers = asked.forward(pictures())
    with pytest.raises(UnsupportedModel, match="no rule for layer normalisation"):
        asked.propagate(pictures(), TARGETS, Propagation())
    assert np.array_equal(asked.forward(pictures()), answers)
    assert all(torch.equal(tensor, before[key]) for key, tensor in module.state_dict().items())
