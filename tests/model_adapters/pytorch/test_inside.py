"""Layers and attention are found in networks of every make, and what is not there is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_models import network_of, vit_on_mnist

from model_adapters.pytorch.architectures import build
from xai_core.types import Capability

LAYERS = Capability.ACTIVATIONS | Capability.ABLATION


def built(name, side=64, **options):
    torch.manual_seed(0)
    return network_of(build(name, 5), side, **options)


@pytest.fixture(scope="module")
def vit(assets):
    return network_of(vit_on_mnist(assets), 28)


def names(network):
    return [layer.name for layer in network.card.layers]


def last(network):
    layer = network.card.layers[-1]
    return layer.name, layer.height, layer.width, layer.channels


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("torchvision/resnet18", ("layer4", 2, 2, 512)),
        ("torchvision/mobilenet_v2", ("features", 2, 2, 1280)),
        pytest.param("torchvision/densenet121", ("features", 2, 2, 1024), marks=pytest.mark.long),
        ("torchvision/swin_t", ("permute", 2, 2, 768)),
        ("timm/convnext_atto", ("stages", 2, 2, 320)),
    ],
)
def test_the_last_layer_is_the_coarsest_before_the_head(name, layer):
    network = built(name)
    assert last(network) == layer
    assert network.card.capabilities & LAYERS == LAYERS


def test_layers_stand_in_the_order_of_the_pass():
    found = names(built("torchvision/resnet18"))
    assert found[:3] == ["conv1", "bn1", "relu"]
    assert [found.index(f"layer{i}") for i in range(1, 5)] == sorted(found.index(f"layer{i}") for i in range(1, 5))


def test_of_several_names_of_one_output_the_outermost_is_kept():
    found = names(built("torchvision/resnet18"))
    assert "layer1" in found
    assert "layer1.1" not in found


def test_the_class_token_is_told_from_the_patches(vit):
    assert vit.card.token_grid == (7, 7)
    assert last(vit) == ("encoder.layers.encoder_layer_3.ln_1", 7, 7, 64)
    assert Capability.ATTENTION in vit.card.capabilities


def test_layers_behind_which_only_the_class_token_acts_are_left_out(vit):
    assert not {"encoder.layers.encoder_layer_3.ln_2", "encoder.layers", "encoder.ln"} & set(names(vit))


def test_windows_are_no_attention_to_the_whole_picture():
    card = built("torchvision/swin_t").card
    assert Capability.ATTENTION not in card.capabilities
    assert card.token_grid is None
    assert "windows" in card.missing["ATTENTION"]


def test_a_network_without_attention_says_so():
    assert "no attention" in built("torchvision/resnet18").card.missing["ATTENTION"]


def test_pictures_need_not_be_square():
    network = network_of(nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.Flatten(), nn.LazyLinear(2)), (32, 20))
    assert last(network) == ("0", 15, 9, 4)


class Reused(nn.Module):
    """One ReLU for all, in place, then a functional one."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Linear(8, 5)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.relu(self.second(self.relu(self.first(x))))
        return self.head(functional.relu(x).mean((2, 3)))


def test_a_module_that_is_used_again_stands_for_its_last_use():
    torch.manual_seed(0)
    network = network_of(Reused(), 16)
    assert names(network) == ["first", "second", "relu"]
    assert last(network) == ("relu", 12, 12, 8)


class NoGrid(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 5))

    def forward(self, x):
        return self.body(x)


class Unfollowable(NoGrid):
    """A network whose layers have no gradient in the usual way."""

    def forward(self, x):
        if torch.is_grad_enabled():
            raise KeyError("no gradients here")
        return self.body(x)


@pytest.mark.parametrize(("module", "words"), [(NoGrid(), "on a grid"), (Unfollowable(), "could not be followed")])
def test_what_can_not_be_seen_is_told_and_nothing_breaks(module, words):
    network = network_of(module, 16)
    assert network.card.layers == ()
    assert not network.card.capabilities & LAYERS
    assert words in network.card.missing["ACTIVATIONS"]
    assert network.forward(np.zeros((2, 16, 16, 3), np.float32)).shape == (2, 5)
