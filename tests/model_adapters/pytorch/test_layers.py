"""A layer's values, their gradient and runs with other values are those of the network itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_models import digest, network_of, pictures, vit_on_mnist

from model_adapters.pytorch.architectures import build
from xai_core.errors import ModelError, OutOfMemory

TARGETS = np.array([4, 1])


class Functional(nn.Module):
    """Skips a layer by addition and by joining, works in place on what it made, and uses one ReLU twice."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.relu, self.head = nn.ReLU(inplace=True), nn.Linear(16, 5)

    def forward(self, x):
        x = self.relu(self.first(x))
        y = self.second(x)
        y += x
        y = functional.relu(y, inplace=True)
        return self.head(self.relu(torch.cat([x, y], 1)).mean((2, 3)))


class FixedBatch(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.body(x).reshape(2, 8, -1).mean(2))


def seeded(make, *size, **options):
    def made():
        torch.manual_seed(0)
        return network_of(make(), *size, **options)

    return made


NETWORKS = {
    "resnet": seeded(lambda: build("torchvision/resnet18", 5), 64, channels_last=True),
    "swin": seeded(lambda: build("torchvision/swin_t", 5), 64, channels_last=True),
    "vit": seeded(lambda: build("timm/vit_tiny_patch16_224", 5), 224),
    "functional": seeded(Functional, (12, 9)),
    "fixed batch": seeded(FixedBatch, 11, batch=2),
}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.long if name == "swin" else ()) for name in NETWORKS]
)
def network(request):
    return NETWORKS[request.param]()


def some_layers(network):
    """The first, one in the middle, and the last layer."""
    layers = network.card.layers
    return [layers[0], layers[len(layers) // 2], layers[-1]]


def inputs_for(network, count=2):
    return pictures(count, network.card.input.height, network.card.input.width)


def by_hand(network, inputs, layer, targets=TARGETS, score="logit"):
    """Return a layer's output and gradient as PyTorch's own hooks and autograd give them, in the module's form."""
    kept = []
    place = network._inside.places[layer.name]

    def keep(module, given, output):
        kept.append(output * 1)
        return kept[-1] * 1  # what follows may work in place

    part = dict(network._module.named_modules())[layer.name]
    handle = part.register_forward_hook(keep)
    leaf = torch.from_numpy(inputs).permute(0, 3, 1, 2).clone().requires_grad_()
    torch.backends.mha.set_fastpath_enabled(False)
    raw = network._module(leaf)
    torch.backends.mha.set_fastpath_enabled(True)
    handle.remove()
    scores = raw if score == "logit" else torch.softmax(raw, 1)
    (slope,) = torch.autograd.grad(scores[range(len(targets)), targets].sum(), kept[place.call])
    return [place.on_grid(one.detach(), inputs.shape[1:3]).numpy() for one in (kept[place.call], slope)]


def test_values_lie_on_the_layers_grid(network):
    for layer in network.card.layers[:: max(1, len(network.card.layers) // 6)]:
        values = network.activations(inputs_for(network), layer.name)
        assert values.shape == (2, layer.height, layer.width, layer.channels)
        assert values.dtype == np.float32


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_values_and_gradients_are_those_of_autograd(network, score):
    inputs = inputs_for(network)
    for layer in some_layers(network):
        values, slopes = by_hand(network, inputs, layer, score=score)
        found = network.layer_gradients(inputs, TARGETS, score, layer.name)
        np.testing.assert_allclose(found[0], values, atol=1e-5 * np.abs(values).max())
        np.testing.assert_allclose(found[1], slopes, atol=1e-4 * np.abs(slopes).max())
        np.testing.assert_allclose(network.activations(inputs, layer.name), values, atol=1e-5 * np.abs(values).max())
        assert np.abs(slopes).max() > 0


def test_a_run_with_the_layers_own_values_gives_the_plain_answer(network):
    inputs = inputs_for(network, 1)
    plain = network.forward(inputs)
    for layer in some_layers(network):
        values = np.repeat(network.activations(inputs, layer.name), 3, axis=0)
        found = network.resume(inputs, layer.name, values)
        np.testing.assert_allclose(found, np.repeat(plain, 3, axis=0), atol=1e-4)


def test_each_run_has_its_own_values(network):
    inputs = inputs_for(network, 1)
    layer = network.card.layers[-1].name
    own = network.activations(inputs, layer)
    both = network.resume(inputs, layer, np.concatenate([own * 0, own]))
    alone = np.concatenate([network.resume(inputs, layer, own * 0), network.resume(inputs, layer, own)])
    np.testing.assert_allclose(both, alone, atol=1e-4)
    assert np.abs(both[0] - both[1]).max() > 1e-4


def test_nothing_of_the_network_changes(network):
    before = digest(network._module)
    inputs = inputs_for(network)
    for layer in some_layers(network):
        values, _ = network.layer_gradients(inputs, TARGETS, "logit", layer.name)
        network.resume(inputs[:1], layer.name, values)
    assert digest(network._module) == before


def test_nothing_is_left_behind_after_an_error(network):
    before = digest(network._module)
    layer = network.card.layers[-1]
    wrong = np.zeros((2, layer.height, layer.width, layer.channels + 1), np.float32)
    with pytest.raises(ModelError):
        network.resume(inputs_for(network, 1), layer.name, wrong)
    assert digest(network._module) == before
    assert not torch.overrides._is_torch_function_mode_enabled()


def test_lack_of_memory_is_told_as_such(network, monkeypatch):
    def full(tensor):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(network._module, "forward", full)
    layer = network.card.layers[0]
    with pytest.raises(OutOfMemory):
        network.resume(
            inputs_for(network, 1), layer.name, np.zeros((3, layer.height, layer.width, layer.channels), np.float32)
        )


def test_the_numbers_given_stay_as_they_were(network):
    inputs = inputs_for(network)
    layer = network.card.layers[0].name
    values = network.activations(inputs, layer)
    kept = inputs.copy(), values.copy()
    network.layer_gradients(inputs, TARGETS, "logit", layer)
    network.resume(inputs[:1], layer, values)
    assert (inputs == kept[0]).all()
    assert (values == kept[1]).all()


def test_an_unknown_layer_is_named(network):
    with pytest.raises(ModelError, match="no layer 'layer99'"):
        network.activations(inputs_for(network), "layer99")


def test_the_extra_tokens_stay_as_the_picture_makes_them(assets):
    network = network_of(vit_on_mnist(assets), 28)
    inputs = pictures(1, 28)
    found = network.resume(inputs, "encoder.layers.encoder_layer_0.ln_1", np.zeros((2, 7, 7, 64), np.float32))

    def without_patches(module, given, output):
        return torch.cat([output[:, :1], torch.zeros_like(output[:, 1:])], 1)

    handle = network._module.encoder.layers.encoder_layer_0.ln_1.register_forward_hook(without_patches)
    expected = network.forward(inputs)
    handle.remove()
    np.testing.assert_allclose(found, np.repeat(expected, 2, axis=0), atol=1e-5)


def test_another_picture_size_gives_another_grid():
    torch.manual_seed(0)
    network = network_of(build("torchvision/resnet18", 5), 64)
    assert network.activations(pictures(2, 96, 64), "layer4").shape == (2, 3, 2, 512)
    network = network_of(build("timm/pvt_v2_b0", 5), 64)
    assert network.activations(pictures(2, 128, 64), "stages.0.norm").shape == (2, 32, 16, 32)
