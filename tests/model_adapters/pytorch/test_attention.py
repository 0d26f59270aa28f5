"""Attention is read as the network computes it, whichever way that is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_models import digest, network_of, pictures, vit_on_mnist

from model_adapters.pytorch.architectures import import_timm
from model_adapters.pytorch.attention import Attention, openly
from xai_core.errors import ModelError
from xai_core.types import Capability

TARGETS = np.array([4, 1])


class Encoder(nn.Module):
    """PyTorch's own encoder, over patches without a class token; it has a short cut of its own."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        layer = nn.TransformerEncoderLayer(16, 2, 32, 0.1, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        return self.head(self.body(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


def tiny(fused):
    vit = import_timm().create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, depth=3, embed_dim=24, num_heads=3, num_classes=5
    )
    for block in vit.blocks:
        block.attn.fused_attn = fused
    return vit


@pytest.fixture(scope="module", params=["torchvision", "timm fused", "timm plain", "encoder"])
def network(request):
    torch.manual_seed(0)
    if request.param == "torchvision":
        return network_of(vit_on_mnist(request.getfixturevalue("assets")), 28)
    return network_of(Encoder() if request.param == "encoder" else tiny(request.param == "timm fused"), 32)


def tokens(network):
    height, width = network.card.token_grid
    return height * width


def inputs_for(network, count=2):
    return pictures(count, network.card.input.height)


def test_each_token_shares_out_its_whole_attention(network):
    weights, gradients = network.attentions(inputs_for(network), TARGETS, "logit")
    assert Capability.ATTENTION in network.card.capabilities
    assert weights.shape == gradients.shape
    assert weights.shape[1] == 2
    assert weights.shape[-1] - tokens(network) in (0, 1)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)


def test_looking_at_attention_does_not_change_the_answer(network):
    inputs = inputs_for(network)
    tensor = torch.from_numpy(inputs).permute(0, 3, 1, 2)
    with torch.no_grad(), openly(), Attention() as attention:
        found = network._module(tensor).numpy()
    assert attention.weights
    np.testing.assert_allclose(found, network.forward(inputs), atol=1e-4)


def test_gradients_are_the_slope_of_the_answer(network, monkeypatch):
    """Turns the weights of a layer a little along their gradient, and looks at what comes out."""
    inputs, target = inputs_for(network, 1), TARGETS[:1]
    weights, gradients = network.attentions(inputs, target, "logit")
    for layer in range(len(weights)):
        step = 1e-2 / np.abs(gradients[layer]).max()
        ahead, behind = (_answer(network, inputs, layer, sign * step * gradients[layer]) for sign in (1, -1))
        slope = (ahead - behind)[0, target[0]] / (2 * step)
        assert slope == pytest.approx(float((gradients[layer] ** 2).sum()), rel=0.05)


def _answer(network, inputs, layer, change):
    class Turned(Attention):
        def _kept(self, weights):
            kept = super()._kept(weights)
            return kept + torch.from_numpy(change).reshape(kept.shape) if len(self.weights) == layer + 1 else kept

    with torch.no_grad(), openly(), Turned():
        return network._module(torch.from_numpy(inputs).permute(0, 3, 1, 2)).numpy()


def test_gradients_of_a_probability_are_smaller(network):
    inputs = inputs_for(network)
    logit, probability = (network.attentions(inputs, TARGETS, score)[1] for score in ("logit", "probability"))
    assert 0 < np.abs(probability).max() < np.abs(logit).max()


def test_nothing_of_the_network_changes(network):
    before = digest(network._module), torch.backends.mha.get_fastpath_enabled()
    attend, softmax = functional.scaled_dot_product_attention, functional.softmax
    network.attentions(inputs_for(network), TARGETS, "logit")
    with pytest.raises(ModelError):
        network.attentions(pictures(2, 28, channels=1), TARGETS, "logit")
    assert (digest(network._module), torch.backends.mha.get_fastpath_enabled()) == before
    assert functional.scaled_dot_product_attention is attend
    assert functional.softmax is softmax
    assert not torch.overrides._is_torch_function_mode_enabled()


@pytest.mark.parametrize(
    "options", [{}, {"is_causal": True}, {"attn_mask": "bool"}, {"attn_mask": "float"}, {"scale": 0.3}, {"gqa": True}]
)
def test_attention_is_computed_as_pytorch_does(options):
    made = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 4, 6, 8, generator=made) for _ in range(3))
    options = dict(options)
    if kind := options.get("attn_mask"):
        bias = torch.randn(6, 6, generator=made)
        options["attn_mask"] = (bias > 0) | torch.eye(6, dtype=torch.bool) if kind == "bool" else bias
    if options.pop("gqa", False):
        key, value, options = key[:, :2], value[:, :2], {"enable_gqa": True}
    expected = functional.scaled_dot_product_attention(query, key, value, **options)
    with Attention() as attention:
        found = functional.scaled_dot_product_attention(query, key, value, **options)
    torch.testing.assert_close(found, expected)
    assert attention.weights[0].shape == (2, 4, 6, 6)
