"""A network whose last layer is random shares all else with the first, and neither disturbs the other."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from model_adapters.pytorch.architectures import build
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.randomised import last_layers, randomised
from xai_core.types import Capability, Card, InputSpec

SAMPLE = torch.zeros(2, 3, 32, 32)


def resnet():
    torch.manual_seed(0)
    return build("torchvision/resnet18", 5).eval().requires_grad_(False)


def traced():
    with warnings.catch_warnings(action="ignore"):
        return torch.jit.trace(resnet(), SAMPLE)


KINDS = {"a module": resnet, "TorchScript": traced, "an exported graph": lambda: exported()}


def exported():
    return torch.export.export(resnet(), (SAMPLE,)).module()


def network(module):
    card = Card("pytorch", "in memory", 5, InputSpec(32, 32), Capability.PREDICT | Capability.GRADIENT)
    return TorchNetwork(module, card)


def pictures(count=2):
    return np.random.default_rng(0).standard_normal((count, 32, 32, 3), np.float32)


@pytest.fixture(params=KINDS)
def original(request):
    return network(KINDS[request.param]())


def test_both_answer_for_themselves_in_any_order(original):
    before = original.forward(pictures())
    random = original.randomised(3)
    first = random.forward(pictures())
    assert np.array_equal(original.forward(pictures()), before)
    random.backward(pictures(), np.array([0, 1]), "logit")
    assert np.array_equal(original.forward(pictures()), before)
    assert np.array_equal(random.forward(pictures()), first)
    assert not np.allclose(first, before)


def test_the_seed_decides(original):
    answers = [original.randomised(seed).forward(pictures()) for seed in (3, 3, 4)]
    assert np.array_equal(answers[0], answers[1])
    assert not np.allclose(answers[0], answers[2])


def test_keys_tell_variants_apart():
    original = network(resnet())
    keys = [original.key, original.randomised(1).key, original.randomised(2).key, original.randomised(1).key]
    assert len(set(keys)) == 3
    assert keys[1] == keys[3]


def test_only_the_last_weight_is_new_and_has_the_same_spread():
    original = network(resnet())
    old, new = (dict(each._module.named_parameters()) for each in (original, original.randomised(0)))
    changed = [name for name in old if old[name] is not new[name]]
    assert changed == ["fc.weight"]
    assert float(new["fc.weight"].std()) == pytest.approx(float(old["fc.weight"].std()), rel=0.1)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "1.weight"),
        (nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5)), "0.weight"),
        (nn.Sequential(nn.Linear(3, 7), nn.Linear(7, 9)), "1.weight"),
        (nn.Sequential(nn.Conv2d(3, 5, 1), nn.Conv2d(5, 4, 5)), "0.weight"),
        (
            nn.ModuleDict({"head": nn.Linear(3, 5), "body": nn.Conv2d(5, 3, 5), "other": nn.Conv2d(3, 5, 1)}),
            "head.weight",
        ),
    ],
)
def test_the_last_layer_is_the_one_that_gives_the_classes(module, name):
    assert last_layers(module, 5) == [name]


class Distilled(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.head_dist = nn.Linear(3, 5), nn.Linear(3, 5)
        self.hidden = nn.Linear(3, 3)

    def forward(self, x):
        x = self.hidden(x.mean((2, 3)))
        return (self.head(x) + self.head_dist(x)) / 2


def test_both_heads_of_a_distilled_network_are_random():
    module = Distilled()
    assert last_layers(module, 5) == ["head.weight", "head_dist.weight"]
    old, new = (each.state_dict() for each in (module, randomised(module, 5, 0)))
    changed = [name for name in old if not torch.equal(old[name], new[name])]
    assert changed == ["head.weight", "head_dist.weight"]
    assert not torch.equal(new["head.weight"], new["head_dist.weight"])
