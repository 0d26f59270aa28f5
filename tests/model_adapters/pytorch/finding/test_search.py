"""Networks of the index are found behind any prefix and beside any other tensors."""

from __future__ import annotations

import random

import pytest

from model_adapters.pytorch import architecture_index
from model_adapters.pytorch.architectures import build
from model_adapters.pytorch.finding.endings import shapes_of
from model_adapters.pytorch.finding.names import Names
from model_adapters.pytorch.finding.search import find_as, find_networks, find_trunks, is_average

FEW = [
    f"torchvision/{name}" for name in ("resnet18", "mobilenet_v2", "densenet121", "vgg11", "squeezenet1_1", "vit_b_16")
]
WORDS = [
    "model",
    "net",
    "m",
    "cnn",
    "base_model",
    "backbone",
    "encoder",
    "module",
    "_orig_mod",
    "student",
    "f",
    "0",
    "1",
]
BESIDE = {"criterion.weight": (7,), "loss.class_weights": (7,), "metric.confusion": (7, 7), "extra.0.weight": (3, 5)}


def shapes(name, classes=7):
    return shapes_of(lambda: build(name, classes))


def wrapped(name, seed):
    draw = random.Random(seed)
    prefix = "".join(f"{draw.choice(WORDS)}." for _ in range(draw.randint(0, 4)))
    beside = {name: shape for name, shape in BESIDE.items() if draw.random() < 0.5}
    around = "".join(f"{draw.choice(WORDS)}." for _ in range(draw.randint(0, 1)))
    listed = [*{prefix + key: shape for key, shape in shapes(name).items()}.items()]
    return prefix, Names({**dict(listed), **{around + key: shape for key, shape in beside.items()}})


def check_wrapped(name, seed):
    prefix, names = wrapped(name, seed)
    (network,) = find_networks(names)
    match = network.match
    assert network.prefix == prefix
    assert name in (match.architecture.name, *match.others)
    assert match.classes == 7
    assert set(network.names.values()) <= set(names.shapes)
    assert find_as(names, architecture_index.named(name)).prefix == prefix


@pytest.mark.parametrize("name", FEW)
def test_a_wrapped_network_is_found_with_its_prefix(name):
    for seed in range(5):
        check_wrapped(name, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(120))
def test_any_wrapped_network_of_the_index_is_found(seed):
    known = [name for name in architecture_index.names() if architecture_index.named(name)]
    check_wrapped(random.Random(seed).choice(known), seed)


def test_two_networks_are_both_found_and_averages_come_last():
    own = shapes("torchvision/resnet18")
    names = Names({**{f"model_ema.{k}": s for k, s in own.items()}, **{f"model.{k}": s for k, s in own.items()}})
    assert [network.prefix for network in find_networks(names)] == ["model.", "model_ema."]


@pytest.mark.parametrize(
    ("prefix", "average"),
    [("model_ema.", True), ("ema.module.", True), ("teacher.", True), ("model.", False), ("schema.", False)],
)
def test_averaged_weights_are_recognised_by_their_name(prefix, average):
    assert is_average(prefix) is average


def test_a_head_behind_dropout_counts_as_the_usual_head():
    own = shapes("torchvision/resnet18")
    names = Names({f"net.{key.replace('fc.', 'fc.1.')}": shape for key, shape in own.items()})
    (network,) = find_networks(names)
    assert network.names["fc.weight"] == "net.fc.1.weight"


def test_a_network_without_its_head_is_found_as_a_trunk():
    own = {
        f"encoder.{key}": shape for key, shape in shapes("torchvision/resnet18").items() if not key.startswith("fc.")
    }
    assert find_networks(Names(own)) == []
    trunk = find_trunks(Names(own))[0]
    assert (trunk.prefix, trunk.architectures[0].name) == ("encoder.", "torchvision/resnet18")
    assert len(trunk.shapes) == len(own)


def test_a_network_that_differs_inside_is_not_found():
    own = shapes("torchvision/resnet18") | {"layer3.0.attention.weight": (4, 4)}
    assert find_networks(Names(own)) == []
    assert find_trunks(Names(own)) == []


def test_names_that_repeat_the_first_layer_a_thousand_times_are_searched_in_time():
    names = Names({f"{'a.' * (n % 40)}b{n}.conv1.weight": (4, 3, 3, 3) for n in range(5000)})
    assert find_networks(names) == []
