"""A folder of timm, packed as a zip, opens with what its config.json says."""

from __future__ import annotations

import json
import zipfile

import pytest
import torch
from safetensors.torch import save

from model_adapters import inspect, load
from model_adapters.pytorch.architectures import build
from xai_core.errors import ChooseArchitecture, RefusedModel, UnsupportedModel
from xai_core.types import ModelSource

NAMES = ["cat", "dog", "owl"]
CONFIG = {
    "architecture": "resnet10t.c3_in1k",
    "num_classes": 3,
    "label_names": NAMES,
    "pretrained_cfg": {"input_size": [3, 96, 96], "crop_pct": 0.95, "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]},
}


def opened(tmp_path, config=CONFIG, folder="", weights="model.safetensors"):
    torch.manual_seed(0)
    module = build("timm/resnet10t", 3).eval()
    with zipfile.ZipFile(tmp_path / "upload", "w") as archive:
        archive.writestr(f"{folder}config.json", config if isinstance(config, str) else json.dumps(config))
        if weights.endswith(".safetensors"):
            archive.writestr(folder + weights, save(module.state_dict()))
        else:
            torch.save(module.state_dict(), tmp_path / "weights")
            archive.write(tmp_path / "weights", folder + weights)
    source = ModelSource(str(tmp_path / "upload"), "upload.zip", "digest")
    return load(source, inspect(source), str(tmp_path)), module


@pytest.mark.parametrize("folder", ["", pytest.param("timm_resnet/", marks=pytest.mark.long)])
@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_a_packed_folder_opens_with_its_labels_and_preprocessing(folder, weights, tmp_path):
    network, module = opened(tmp_path, folder=folder, weights=weights)
    card = network.card
    assert (card.architecture, card.labels, card.format) == ("timm/resnet10t", tuple(NAMES), "torch-hub")
    assert (card.hint.height, card.hint.crop_share, card.hint.mean) == (96, 0.95, (0.1, 0.2, 0.3))
    assert card.hint_reason == "config.json says so."
    pictures = torch.randn(1, 3, 96, 96)
    answers = torch.from_numpy(network.forward(pictures.permute(0, 2, 3, 1).numpy()))
    torch.testing.assert_close(answers, module(pictures).detach(), atol=1e-4, rtol=1e-4)


def test_a_configuration_that_makes_no_sense_is_left_alone(tmp_path):
    broken = {**CONFIG, "label_names": ["cat"], "pretrained_cfg": {"input_size": "large", "std": [0, 0, 0]}}
    card = opened(tmp_path, broken)[0].card
    assert (card.labels, card.hint_reason) == ((), "timm/resnet10t was trained with it.")


@pytest.mark.parametrize(
    ("config", "error", "sentence"),
    [
        ("[1]", RefusedModel, "must be a JSON object"),
        ("{", RefusedModel, "must be a JSON object"),
        ({"architectures": ["ViTForImageClassification"]}, UnsupportedModel, "names no model type of transformers"),
        ({"architecture": "resnet10000"}, ChooseArchitecture, "'resnet10000', which Vitrine does not know"),
        ({"architecture": 3}, ChooseArchitecture, "names no architecture of timm"),
    ],
)
def test_a_folder_that_describes_no_network_is_refused(config, error, sentence, tmp_path):
    with pytest.raises(error, match=sentence):
        opened(tmp_path, config)
