"""What a training script leaves on disk opens in the sandbox and answers as its weights do."""

from __future__ import annotations

import argparse
import pathlib

import numpy as np
import pytest
import torch
from torchvision.models import mobilenet_v2

import vitrine

RETRIEVER = "images/imagenet_samples/207_golden_retriever.jpg"


def of_training(weights):
    """Return a checkpoint as torchvision's reference scripts and Lightning write it, with what they put beside."""
    return {
        "state_dict": {f"model.{name}": tensor for name, tensor in weights.items()},
        "optimizer": {"state": {}, "param_groups": []},
        "args": argparse.Namespace(data_path=pathlib.PosixPath("/data"), model="mobilenet_v2", lr=0.1),
        "classes": np.array([f"kind {number}" for number in range(1000)]),
        "best": np.float64(0.719),
    }


def whole_module(weights):
    module = mobilenet_v2()
    module.load_state_dict(weights)
    return torch.nn.DataParallel(module)


@pytest.mark.parametrize(
    ("form", "label"),
    [(of_training, "kind 207"), pytest.param(whole_module, "golden retriever", marks=pytest.mark.long)],
)
def test_a_checkpoint_gives_the_answer_of_its_weights(form, label, assets, tmp_path):
    weights = torch.load(assets / "models/torch/mobilenet_v2-b0353104.pth", weights_only=True)
    torch.save(form(weights), tmp_path / "checkpoint.pt")
    with vitrine.load(tmp_path / "checkpoint.pt") as model:
        best = model.predict(assets / RETRIEVER).top(1).rows[0]
    assert (best["label"], round(best["probability"], 2)) == (label, 0.74)
