"""What a card says of the other ways back through a network."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from model_adapters.pytorch.architectures import build
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.ways import WAYS, ways_of
from xai_core.types import Capability, Card, InputSpec

SAMPLE = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, 64, 64), np.float32))


def ways(module, gives="logit"):
    card = Card("pytorch", "in memory", 5, InputSpec(None, None), Capability.PREDICT | Capability.GRADIENT, gives)
    return ways_of(TorchNetwork(module, card)._module, SAMPLE, card)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "regnet_y_400mf"])
def test_convolutional_networks_with_relus_offer_all(name):
    found = ways(build(f"torchvision/{name}", 5))
    assert (found.capabilities, found.missing) == (WAYS, {})
    assert bool(found.notes) == (name != "resnet18")


def test_a_network_without_relus_offers_all_but_their_rules():
    found = ways(build("torchvision/efficientnet_b0", 5))
    assert found.capabilities == WAYS & ~Capability.BACKWARD_RULES
    assert "has no ReLU; its activations are SiLU and Sigmoid" in found.missing["BACKWARD_RULES"]


def test_a_transformer_can_not_hand_back_relevance():
    found = ways(build("torchvision/swin_t", 5))
    assert found.capabilities == Capability.RESCALE | Capability.RANDOMISATION
    assert "no rule for layer normalisation" in found.missing["PROPAGATION"]


def test_torchscript_offers_what_needs_no_look_inside():
    with warnings.catch_warnings(action="ignore"):
        found = ways(torch.jit.trace(build("torchvision/resnet18", 5).eval(), SAMPLE))
    assert found.capabilities == Capability.BACKWARD_RULES | Capability.RANDOMISATION
    assert all("TorchScript keeps" in found.missing[name] for name in ("RESCALE", "PROPAGATION"))


def test_relevance_needs_logits():
    found = ways(nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 5), nn.Softmax(1)), gives="probability")
    assert "ends in probabilities" in found.missing["PROPAGATION"]


def test_a_network_that_fails_in_a_trial_still_opens():
    class Moody(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(3, 5)

        def forward(self, x):
            if torch.overrides._get_current_function_mode() is not None:
                raise KeyError("not like this")
            return self.last(torch.relu(x.mean((2, 3))))

    found = ways(Moody())
    assert found.capabilities == Capability.BACKWARD_RULES | Capability.RANDOMISATION
    assert "did not work on a trial picture" in found.missing["RESCALE"]


def test_relevance_is_not_offered_where_other_scores_are_followed_than_are_given():
    class Wary(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(3, 5)

        def forward(self, x):
            followed = torch.overrides._get_current_function_mode() is not None
            return self.last(torch.relu(x.mean((2, 3)))) * (2 if followed else 1)

    assert "did not work" in ways(Wary()).missing["PROPAGATION"]


def test_a_last_layer_that_another_place_shares_can_not_be_made_random():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 5)
            self.again = self.last

        def forward(self, x):
            return self.last(torch.relu(self.first(x.mean((2, 3)))))

    found = ways(Tied())
    assert Capability.RANDOMISATION not in found.capabilities
    assert "could not be identified" in found.missing["RANDOMISATION"]


def test_a_network_that_takes_one_size_only_is_tried_at_that_size():
    large = torch.zeros(1, 3, 128, 128)
    module = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 256, 5))
    card = Card("pytorch", "in memory", 5, InputSpec(None, None), Capability.PREDICT | Capability.GRADIENT)
    assert ways_of(module.requires_grad_(False), large, card).capabilities == WAYS
