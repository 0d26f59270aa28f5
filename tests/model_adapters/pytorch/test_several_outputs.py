"""PyTorch classifiers with several outputs."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import vitrine
from model_adapters import inspect, load
from model_adapters.common.output_choice import OutputChoice
from xai_core.errors import ChooseOutput, ParamError
from xai_core.network import Network
from xai_core.types import Capability, ModelSource, ScoreOutput

SIDE = 32
PICTURES = np.random.default_rng(0).standard_normal((3, SIDE, SIDE, 3), np.float32)
USUAL = "its name is usual for class scores"


class Two(nn.Module):
    """A body with features (N, 8), and a head with scores (N, 5)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(8, 5)


class FeaturesFirst(Two):
    def forward(self, x):
        features = self.body(x)
        return features, self.head(features).softmax(1), x


class Nested(Two):
    def forward(self, x):
        features = self.body(x)
        return {"logits": self.head(features), "features": features}, x


class WithSoftmax(Two):
    def forward(self, x):
        logits = self.head(self.body(x))
        return logits.softmax(1), logits


def opened(module: nn.Module, folder: Path, output: str = "", compiled: bool = False) -> Network:
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated
        made = (
            torch.jit.script(module)
            if compiled
            else torch.jit.trace(module, torch.rand(1, 3, SIDE, SIDE), strict=False)
        )
        made.save(folder / "m.pt")
    source = ModelSource(str(folder / "m.pt"), "m", "", reading=OutputChoice(output=output).to_text())
    return load(source, inspect(source), str(folder))


def directly(module: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """Features and scores of the pictures."""
    with torch.no_grad():
        features = module.body(torch.from_numpy(PICTURES).permute(0, 3, 1, 2))
        return features.numpy(), module.head(features).numpy()


def test_features_before_the_scores_are_a_question(tmp_path):
    module = FeaturesFirst().eval()
    network = opened(module, tmp_path)
    assert network.card.outputs == (
        ScoreOutput("0", (2, 8), 8),
        ScoreOutput("1", (2, 5), 5, "its values sum to one"),
        ScoreOutput("2", (2, 3, SIDE, SIDE), 0),
    )
    assert network.card.capabilities == Capability.PREDICT
    features, logits = directly(module)
    shares = torch.from_numpy(logits).softmax(1).numpy()
    np.testing.assert_allclose(network.forward(PICTURES), np.concatenate([features, shares], 1), atol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_chosen_output_is_opened_up_and_its_softmax_cut(tmp_path, compiled):
    module = FeaturesFirst().eval()
    network = opened(module, tmp_path, "1", compiled)
    assert network.card.gives == "logit"
    assert network.card.notes[-1] == "The model has 3 outputs; '1' is explained."
    np.testing.assert_allclose(network.forward(PICTURES), directly(module)[1], atol=1e-5)
    assert Capability.ACTIVATIONS in network.card.capabilities


def test_an_entry_of_a_nested_dict_has_its_path_as_name(tmp_path):
    module = Nested().eval()
    outputs = opened(module, tmp_path).card.outputs
    assert [(output.name, output.reason) for output in outputs] == [("0.logits", USUAL), ("0.features", ""), ("1", "")]
    network = opened(module, tmp_path, "0.features")
    np.testing.assert_allclose(network.forward(PICTURES), directly(module)[0], atol=1e-5)


def test_logits_beside_their_own_softmax_are_no_question(tmp_path):
    module = WithSoftmax().eval()
    network = opened(module, tmp_path)
    assert (network.card.outputs, network.card.gives) == ((), "logit")
    np.testing.assert_allclose(network.forward(PICTURES), directly(module)[1], atol=1e-5)


def test_an_output_that_is_no_row_of_scores_cannot_be_chosen(tmp_path):
    with pytest.raises(ParamError, match=r"No output called '2' can hold class scores. Those that can are: 0, 1\."):
        opened(FeaturesFirst().eval(), tmp_path, "2")


def test_a_module_in_memory_is_asked_about_too():
    with pytest.raises(ChooseOutput, match=r"'0\.logits' is the most likely"):
        vitrine.wrap(Nested(), preprocessing={"height": SIDE, "width": SIDE})
    with vitrine.wrap(Nested(), output="0.logits", preprocessing={"height": SIDE, "width": SIDE}) as model:
        assert len(model.labels) == 5
