"""ResNets of other widths, depths and stems, and those for CIFAR, are read from their shapes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model_adapters.pytorch.finding import resnets
from model_adapters.pytorch.finding.endings import shapes_of
from model_adapters.pytorch.script import opened


def of_torchvision(block="BasicBlock", layers=(1, 2, 1, 1), **options):
    from torchvision.models import resnet

    torch.manual_seed(0)
    return resnet.ResNet(getattr(resnet, block), layers, num_classes=5, **options).eval()


def check_same(module, side=64, channels=3):
    member = resnets.read(shapes_of(lambda: module))
    made = member.build(5, channels).eval()
    made.load_state_dict(module.state_dict())
    pictures = torch.randn(2, channels, side, side)
    torch.testing.assert_close(made(pictures), module(pictures))
    return member


@pytest.mark.parametrize(
    "options",
    [
        {"layers": (1, 2, 1, 1)},
        {"block": "Bottleneck", "layers": (1, 1, 2, 1)},
        {"block": "Bottleneck", "layers": (1, 1, 1, 1), "width_per_group": 32},
        {"block": "Bottleneck", "layers": (1, 1, 1, 1), "groups": 4, "width_per_group": 16},
    ],
)
def test_a_resnet_with_torchvisions_names_is_rebuilt(options):
    member = check_same(of_torchvision(**options))
    assert (member.look.height, member.head) == (224, "fc.weight")
    assert "2 with a max pooling is assumed" in member.notes[0]


def test_a_small_stem_keeps_the_size_of_the_picture():
    module = of_torchvision()
    module.conv1, module.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    member = check_same(module, 32)
    assert (member.look.height, member.fixed_size) == (32, False)
    assert "1 without a max pooling is assumed, as its kernel has 3x3 values" in member.notes[0]


def test_a_resnet_for_gray_pictures_is_rebuilt():
    module = of_torchvision()
    module.conv1 = nn.Conv2d(1, 64, 5, 2, 2, bias=False)
    assert check_same(module, channels=1).look.channels == "gray"


def test_resnet20_for_cifar_gives_the_answers_of_its_torchscript(assets):
    folder = assets / "models/torch"
    weights = torch.load(folder / "resnet20_cifar10.pth", weights_only=True)
    member = resnets.read({n: tuple(t.shape) for n, t in weights.items() if t.is_floating_point()})
    assert (member.name, member.look.height) == ("ResNet-20 (3 stages, 16 to 64 channels)", 32)
    made = member.build(10, 3).eval()
    made.load_state_dict(weights)
    pictures = torch.randn(2, 3, 32, 32)
    expected = opened(str(folder / "resnet20_cifar10_torchscript.pt")).eval()(pictures)
    torch.testing.assert_close(made(pictures), expected, atol=1e-4, rtol=1e-4)


def test_other_networks_are_no_resnets():
    assert resnets.read({"conv1.weight": (8, 3, 3, 3), "fc.weight": (5, 8)}) is None
    assert resnets.read({}) is None
