"""Weights with their code: the class and its arguments are guessed from the file, and every tensor must fit."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from model_adapters.pytorch import load
from model_adapters.pytorch.own_code.opening import Undecided
from tests.own_code import CODE, checkpoint_of, net_of
from xai_core.errors import RefusedModel, UnsupportedModel
from xai_core.model_code import LIKELIEST, CodeParameter, ModelCode
from xai_core.types import FileKind, ModelSource

WEIGHTS = FileKind("torch-weights", "pytorch")
NUMBERS = itertools.count()


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Return a function that opens weights with code in this process, which is told that it may."""
    monkeypatch.setenv("VITRINE_ALLOW_CODE", "1")
    monkeypatch.setattr("sys.path", list(sys.path))

    def of(content, entry, arguments=None, text=CODE, task="classify"):
        torch.save(content, tmp_path / "weights.pt")
        name = f"own_code_{next(NUMBERS)}.py"
        (tmp_path / name).write_text(text)
        code = ModelCode(str(tmp_path / name), name, "ab" * 32, entry, arguments)
        return load(
            ModelSource(str(tmp_path / "weights.pt"), "w.pt", "cd" * 32, task=task, code=code), WEIGHTS, str(tmp_path)
        )

    return of


@pytest.fixture
def trained():
    """A checkpoint of a network of 5 classes and 12 channels, as Lightning writes it, and the network."""
    net = net_of()(num_classes=5, width=12).eval()
    return checkpoint_of(net), net


def test_nothing_runs_until_something_is_chosen(opened, trained):
    asked = opened(trained[0], "", text=f"raise SystemExit\n{CODE}")
    assert isinstance(asked, Undecided)
    net, factory, block = asked.card.entries
    assert [entry.name for entry in asked.card.entries] == ["Net", "build_model", "Block"]
    assert net.reason == "the file's tensors are named after its parts: stem, block, fc"
    assert net.parameters[0] == CodeParameter("num_classes", "5", "10", "the rows of state_dict.model.fc.weight")
    assert net.parameters[2] == CodeParameter("width", "12", "8", "a setting in the file")
    assert (net.arguments, factory.arguments, block.is_complete) == ("num_classes=5, width=12", "num_classes=5", False)


@pytest.mark.parametrize("entry", [LIKELIEST, "Net"])
def test_the_network_answers_as_it_did_where_it_was_trained(opened, trained, entry):
    content, net = trained
    network = opened(content, entry)
    inputs = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(inputs).permute(0, 3, 1, 2)).numpy()
    assert np.allclose(network.forward(inputs), expected, atol=1e-5)
    assert network.card.architecture == "Net(num_classes=5, width=12)"
    assert network.card.labels == tuple("abcde")
    assert "SHA-256 abababababab" in " ".join(network.card.notes)


MISFITS = {
    "num_classes=7, width=12": r"2 with a different shape \(fc.weight is 5x12 in the file and 7x12 in the code",
    "num_classes=5, width=12, deep=True": r"6 of its 18 tensors are missing from the file \(more.conv.weight",
    "num_classes=5 width=12": "are not valid Python. Write them as in a call",
    "num_classes=five": "NameError: name 'five' is not defined",
    "classes=5": "TypeError: .*unexpected keyword argument 'classes'",
}


@pytest.mark.parametrize("arguments", MISFITS)
def test_weights_that_do_not_fit_are_counted_and_named(opened, trained, arguments):
    with pytest.raises(Exception, match=MISFITS[arguments]):
        opened(trained[0], "Net", arguments)


def test_tensors_left_over_are_refused_but_those_of_a_loss_are_named(opened, trained):
    content, _ = trained
    state = {**content["state_dict"], "criterion.weight": torch.ones(5)}
    assert opened({**content, "state_dict": state}, "Net").card.notes[-1] == (
        "1 tensor of the file is not part of the network (state_dict.criterion.weight)."
    )
    state["model.extra.weight"] = torch.ones(2)
    with pytest.raises(UnsupportedModel, match=r"1 tensor of the file is unused \(extra.weight\)"):
        opened({**content, "state_dict": state}, "Net")


def test_what_is_not_known_is_asked_for(opened, trained):
    with pytest.raises(UnsupportedModel, match=r"does not give the argument size of Block\. Set it: Block\(size=\?\)"):
        opened(trained[0], "Block")
    with pytest.raises(
        UnsupportedModel, match=r"defines no network called 'Nett'. It defines Block, Net, build_model."
    ):
        opened(trained[0], "Nett")
    with pytest.raises(UnsupportedModel, match=r"returned int; expected a torch.nn.Module"):
        opened(trained[0], "make_model", text=f"{CODE}\ndef make_model():\n    Net()\n    return 3")


def test_settings_are_given_whole_where_the_code_takes_them_so(opened, trained):
    content, _ = trained
    init = "def __init__(self, hparams): super().__init__(5, width=int(hparams.width + hparams['lr'] * 0))"
    text = f"{CODE}\nclass Lit(Net):\n    {init}"
    assert opened(content, "Lit", text=text).card.architecture == "Lit(hparams=hyper_parameters)"


def test_code_is_refused_where_it_may_not_run(opened, trained, monkeypatch):
    monkeypatch.setenv("VITRINE_ALLOW_CODE", "0")
    for entry in ("", LIKELIEST, "Net"):
        with pytest.raises(RefusedModel, match="VITRINE_ALLOW_CODE=1"):
            opened(trained[0], entry)


def test_a_file_with_the_name_of_a_library_is_refused(opened, trained, tmp_path):
    source = ModelSource(str(tmp_path / "weights.pt"), "w.pt", "cd" * 32)
    opened(trained[0], "")
    (tmp_path / "torch.py").write_text(CODE)
    code = ModelCode(str(tmp_path / "torch.py"), "torch.py", "ab" * 32, "Net")
    with pytest.raises(UnsupportedModel, match=r"torch\.py has the same name as a library"):
        load(replace(source, code=code), WEIGHTS, str(tmp_path))
