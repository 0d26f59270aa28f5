"""Heads of several layers are rebuilt from the shapes of their tensors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model_adapters.pytorch.finding.chains import activations, build_chain, read_chain, widths

HEADS = {
    "one layer": [nn.Linear(6, 3)],
    "perceptron": [nn.Dropout(0.2), nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.4), nn.Linear(5, 3)],
    "norm before ReLU": [nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.3), nn.Linear(5, 3)],
    "norm after ReLU": [nn.Linear(6, 5, bias=False), nn.ReLU(), nn.BatchNorm1d(5), nn.Dropout(0.3), nn.Linear(5, 3)],
    "norm first": [nn.BatchNorm1d(6), nn.Dropout(0.2), nn.Linear(6, 5), nn.ReLU(), nn.LayerNorm(5), nn.Linear(5, 3)],
    "no activation": [nn.Linear(6, 5), nn.Linear(5, 3)],
    "three layers": [nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)],
}


def shapes_of(module):
    return {name: tuple(t.shape) for name, t in module.state_dict().items() if t.is_floating_point()}


@pytest.mark.parametrize("kind", HEADS)
def test_a_rebuilt_head_gives_the_same_answers(kind):
    torch.manual_seed(0)
    head = nn.Sequential(*HEADS[kind]).eval()
    steps = read_chain(shapes_of(head))
    module, names = build_chain(steps)
    weights = {}
    for name, tensor in head.state_dict().items():
        layer, _, leaf = name.rpartition(".")
        weights[f"{names[layer]}.{leaf}"] = tensor
    module.load_state_dict(weights)
    inputs = torch.randn(4, 6)
    torch.testing.assert_close(module.eval()(inputs), head(inputs))


def test_layers_with_names_get_a_relu_between_them():
    steps = read_chain(
        {"fc1.weight": (5, 6), "fc1.bias": (5,), "bn.weight": (5,), "bn.bias": (5,), "fc2.weight": (3, 5)}
    )
    assert [step.kind for step in steps] == ["linear", "layer norm", "linear"]
    assert [type(layer).__name__ for layer in build_chain(steps)[0]] == [
        "Flatten", "Linear", "LayerNorm", "ReLU", "Linear",
    ]  # fmt: skip
    assert (widths(steps), activations(steps)) == ((6, 5, 3), 1)


def test_numbers_are_sorted_as_numbers():
    steps = read_chain({"10.weight": (3, 5), "2.weight": (5, 6)})
    assert [step.name for step in steps] == ["2", "10"]


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"0.weight": (5, 6), "1.weight": (3, 4)},  # the widths differ
        {"0.weight": (5, 6, 3, 3)},  # a convolution
        {"0.weight": (5, 6), "1.weight": (5,), "1.bias": (5,)},  # ends in a norm
        {"0.weight": (5, 6), "0.bias": (4,)},
        {"0.weight": (5, 6), "0.scale": (5,)},
        {"0.bias": (5,)},
    ],
)
def test_what_is_no_chain_is_not_taken_for_one(shapes):
    assert read_chain(shapes) is None
