"""What other libraries are given, and what is left when one of them fails."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.peers import compare
from model_adapters.pytorch.peers.compare import FromPictures
from xai_core.errors import ModelError
from xai_core.preprocessing import Preprocessing
from xai_core.trust.peers import libraries_of
from xai_core.types import Capability, Card, InputSpec

LOOKS = {
    "RGB": Preprocessing(6, 6, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)),
    "BGR": Preprocessing(6, 6, channels="BGR", scale=255.0, mean=(103.9, 116.8, 123.7)),
    "gray": Preprocessing(6, 6, channels="gray", mean=(0.1,), std=(0.3,)),
}
CARD = Card("pytorch", "in memory", 5, InputSpec(6, 6), Capability.PREDICT | Capability.GRADIENT)


def flat(channels=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * 36, 5)).requires_grad_(False)


def images(count):
    return np.random.default_rng(0).random((count, 6, 6, 3), dtype=np.float32)


def planes(pictures):
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))


def asked(monkeypatch, explained, library="captum", method="saliency", module=None):
    monkeypatch.setattr(compare, "import_module", lambda name: SimpleNamespace(METHODS={"saliency": explained}))
    network = TorchNetwork(module or flat(), CARD)
    return network.by_peer(library, method, {"seed": 3}, LOOKS["RGB"], images(1)[0], np.array([1, 2]))


@pytest.mark.parametrize("batch", [None, 1, 2])
@pytest.mark.parametrize("look", LOOKS)
def test_a_library_starts_from_pictures(look, batch):
    module = flat(channels=1 if look == "gray" else 3)
    whole = FromPictures(module, LOOKS[look], batch, lambda raw: raw)
    inputs = planes(LOOKS[look].normalise(images(3)))
    np.testing.assert_allclose(whole(planes(images(3))), module(inputs), rtol=1e-4, atol=1e-4)


def test_there_is_one_map_a_class(monkeypatch):
    found = asked(monkeypatch, lambda question, target: np.full((2, 2), target))
    assert found.tolist() == [[[1, 1], [1, 1]], [[2, 2], [2, 2]]]


def test_a_library_works_on_parts_of_its_own_that_share_the_weights(monkeypatch):
    seen = []
    asked(monkeypatch, lambda question, target: seen.append(question.module.network) or np.zeros((1, 1)))
    first, second = seen
    assert first is second
    network = TorchNetwork(flat(), CARD)
    parts = compare._parts_anew(network._module)
    assert parts[1] is not network._module[1]
    shared, own = parts[1].weight, network._module[1].weight
    assert shared is not own
    assert (type(shared), shared.data_ptr()) == (type(own), own.data_ptr())


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What real libraries made of networks that they are not made for."""
    path = tmp_path_factory.mktemp("peers") / "told.json"
    script = Path(__file__).with_name("peers_process.py")
    subprocess.run([sys.executable, "-B", "-W", "ignore", str(script), str(path)], check=True, capture_output=True)
    return json.loads(path.read_text())


@pytest.mark.long
def test_a_library_that_fails_while_it_swaps_weights_leaves_the_network_as_it_was(told):
    assert "zennit stopped with an error" in told["odd normalisation"]
    assert told["its scores stay"]


@pytest.mark.long
def test_a_library_that_acts_on_modules_says_where_there_are_none(told):
    assert len(told["by modules"]) == 5
    for name, sentence in told["by modules"].items():
        assert f"{name.split()[0]} acts on a network's " in sentence
        assert "this network has no such modules" in sentence


@pytest.mark.long
def test_each_library_explains_the_methods_that_the_core_lists_for_it(told):
    assert told["methods"] == {name: sorted(peer.methods) for name, peer in libraries_of("pytorch").items()}


@pytest.mark.long
def test_grad_cam_needs_no_parameters(told):
    program, module = told["grad-cam"]
    np.testing.assert_allclose(program, module, atol=1e-3)


def test_an_error_inside_a_library_is_a_sentence_and_draws_are_as_before(monkeypatch):
    def fails(question, target):
        torch.rand(5)
        raise KeyError("inside")

    module = flat()
    torch.manual_seed(1)
    state = torch.get_rng_state()
    with pytest.raises(ModelError, match=r"captum stopped with an error on this model \(KeyError\)"):
        asked(monkeypatch, fails, module=module)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_library_that_is_not_installed_is_a_sentence(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(compare, "import_module", missing)
    with pytest.raises(ModelError, match="captum is not installed here"):
        TorchNetwork(flat(), CARD).by_peer("captum", "saliency", {}, LOOKS["RGB"], images(1)[0], np.array([1]))


@pytest.mark.parametrize(("library", "method"), [("lime", "saliency"), ("captum", "rise")])
def test_what_a_library_has_not_is_a_sentence(monkeypatch, library, method):
    with pytest.raises(ModelError, match=f"{library} has no method '{method}' to compare with"):
        asked(monkeypatch, lambda question, target: np.zeros((1, 1)), library, method)


def test_opening_a_network_imports_none_of_them():
    importlib.import_module("model_adapters.pytorch.network")
    assert not any(name in sys.modules for name in ("captum", "pytorch_grad_cam", "zennit"))
