"""TorchScript graphs become modules that answer as before and can be looked into."""

from __future__ import annotations

import warnings
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_models import digest, network_of, pictures, vit_on_mnist

from model_adapters import load
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.program import program_of
from xai_core.errors import ModelError, UnsupportedModel
from xai_core.types import Capability, FileKind, ModelSource

INSIDE = Capability.ACTIVATIONS | Capability.ABLATION


class Small(nn.Module):
    """A branch that depends on the input's size, a ReLU in place, and several operators of plain Python."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.second, self.head = nn.Conv2d(8, 8, 3, 2), nn.Linear(8, 5)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        if x.shape[-1] > 64:
            x = functional.avg_pool2d(x, 2)
        x = functional.relu(self.norm(self.first(x)), inplace=True)
        x = torch.cat([functional.relu(self.second(x)), self.second(x)[:, :0]], 1)
        return self.head(self.drop(x.mean((2, 3))))


class Looping(Small):
    def forward(self, x):
        for _ in range(x.shape[1]):
            x = x * 0.9
        return self.head(self.first(x).mean((2, 3)))


def script(module, side=None):
    """Return a module as TorchScript, traced for pictures of a side in pixels, or compiled."""
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated
        if side is None:
            return torch.jit.script(module.eval())
        return torch.jit.trace(module.eval(), torch.rand(1, 3, side, side), check_trace=False)


def small():
    torch.manual_seed(0)
    module = Small()
    nn.init.normal_(module.norm.weight)  # a frozen graph keeps equal weights once, under one name
    nn.init.normal_(module.norm.bias)
    return module


def opened(path, tmp_path):
    return load(ModelSource(str(path), "upload", "digest"), FileKind("torchscript", "pytorch"), str(tmp_path))


@pytest.fixture(params=["traced", "compiled"])
def graph(request):
    return script(small(), 20 if request.param == "traced" else None)


def planes(*shape):
    return torch.from_numpy(pictures(*shape)).permute(0, 3, 1, 2)


def test_a_program_answers_as_its_graph(graph):
    program, inputs = program_of(graph), planes(3, 20)
    torch.testing.assert_close(program(inputs), graph(inputs))


def test_a_branch_is_taken_as_the_picture_says():
    graph = script(small())
    program = program_of(graph)
    for side in (20, 80):
        torch.testing.assert_close(program(planes(2, side)), graph(planes(2, side)))


def test_layers_have_the_names_of_their_weights(graph):
    names = [layer.name for layer in network_of(program_of(graph), 20).card.layers]
    assert names[:2] == ["first", "norm"]
    assert "second" in names


def test_a_layers_gradient_is_that_of_the_module(graph):
    inputs, targets = pictures(2, 20), np.array([3, 1])
    ours = network_of(program_of(graph), 20).layer_gradients(inputs, targets, "logit", "first")
    theirs = network_of(small(), 20).layer_gradients(inputs, targets, "logit", "first")
    for found, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_run_with_the_layers_own_values_gives_the_plain_answer(graph):
    network, inputs = network_of(program_of(graph), 20), pictures(1, 20)
    before = digest(network._module)
    for layer in network.card.layers:
        found = network.resume(inputs, layer.name, np.repeat(network.activations(inputs, layer.name), 2, axis=0))
        np.testing.assert_allclose(found, np.repeat(network.forward(inputs), 2, axis=0), atol=1e-5)
    assert digest(network._module) == before


def test_values_are_forgotten_after_their_last_use(graph):
    program, made, alive = program_of(graph), [], []

    def keep(step, given, output):
        made.extend([weakref.ref(output)] if isinstance(output, torch.Tensor) else [])

    for step in program.children():
        step.register_forward_hook(keep)
    last = list(program.children())[-1]
    last.register_forward_pre_hook(lambda step, given: alive.extend(one for one in made if one() is not None))
    program(planes(1, 20))
    assert 1 <= len(alive) <= 2 < len(made)  # what a branch hands on is counted twice


def test_a_loop_leaves_the_graph_sealed(tmp_path):
    graph = script(Looping())
    with pytest.raises(UnsupportedModel, match="prim::Loop"):
        program_of(graph)
    graph.save(tmp_path / "upload")
    network = opened(tmp_path / "upload", tmp_path)
    assert not network.card.capabilities & INSIDE
    assert "sealed" in network.card.missing["ACTIVATIONS"]
    assert network.backward(pictures(2, 32), np.array([0, 1]), "logit").shape == (2, 32, 32, 3)


@pytest.mark.parametrize("end", [(), (nn.Softmax(1),)], ids=["logits", "probabilities"])
def test_a_frozen_graph_that_runs_on_the_processor_only_is_opened_up(end, tmp_path, monkeypatch):
    """As on a GPU, where the constants of a frozen file stay behind."""
    forward = TorchNetwork._forward

    def on_a_gpu(network, inputs):
        if isinstance(network._module, torch.jit.ScriptModule):
            raise ModelError("Expected all tensors to be on the same device.")
        return forward(network, inputs)

    monkeypatch.setattr(TorchNetwork, "_forward", on_a_gpu)
    graph = script(nn.Sequential(small(), *end))
    with warnings.catch_warnings(action="ignore"):
        torch.jit.freeze(graph).save(tmp_path / "upload")
    network = opened(tmp_path / "upload", tmp_path)
    assert network.card.capabilities & INSIDE == INSIDE
    np.testing.assert_allclose(network.forward(pictures(2, 32)), small().eval()(planes(2, 32)).detach(), atol=1e-5)


def test_resnet20_can_be_looked_into(assets, tmp_path):
    network = opened(assets / "models/torch/resnet20_cifar10_torchscript.pt", tmp_path)
    assert network.card.capabilities & INSIDE == INSIDE
    last = network.card.layers[-1]
    assert (last.name, last.height, last.channels) == ("layer3/2/bn2/relu", 8, 64)
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        expected = torch.jit.load(assets / "models/torch/resnet20_cifar10_torchscript.pt").eval()(planes(4, 32)).numpy()
    np.testing.assert_allclose(network.forward(pictures(4, 32)), expected, atol=1e-5)


@pytest.mark.parametrize("side", [28, None])
def test_attention_is_seen_in_a_graph_too(assets, side, tmp_path):
    vit = vit_on_mnist(assets)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        script(vit, side).save(tmp_path / "upload")
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    network = opened(tmp_path / "upload", tmp_path)
    assert network.card.token_grid == (7, 7)
    inputs, targets = pictures(2, 28), np.array([3, 1])
    found = network.attentions(inputs, targets, "logit")
    for ours, theirs in zip(found, network_of(vit, 28).attentions(inputs, targets, "logit"), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())
