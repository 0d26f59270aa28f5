"""Folders of transformers' image classifiers open as they are and answer like transformers."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from model_adapters import inspect, load
from model_adapters.pytorch.architectures import import_torchvision_models
from tests.contract.quick import quick, why_not
from tests.hub_models import CLASSIFIERS, LABELS, mobilenet, network, packed, weights_of, zipped
from xai_core import methods as _methods  # noqa: F401  (registers the methods)
from xai_core.errors import RefusedModel, TryAsDetector, UnsupportedModel
from xai_core.method import METHODS
from xai_core.model import Model
from xai_core.preprocessing import presets
from xai_core.types import Capability

FAST = ("ViTForImageClassification", "SwinForImageClassification", "ResNetForImageClassification")
OFFERED = Capability.GRADIENT | Capability.ACTIVATIONS | Capability.ABLATION | Capability.RANDOMISATION
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
LOOK = {"size": 32, "image_mean": [0.5] * 3, "image_std": [0.25] * 3, "resample": 3}


def opened(source, tmp_path):
    return load(source, inspect(source), str(tmp_path))


def agrees(name, tmp_path):
    """Open a network's folder and compare its answers; return what was opened."""
    module = network(name)
    ours = opened(packed(module, tmp_path), tmp_path)
    side = getattr(module.config, "image_size", 32)
    side = side if isinstance(side, int) else side[0]
    pictures = torch.randn(2, 3, max(side, 32), max(side, 32))
    with torch.no_grad():
        expected = module(pictures).logits
    answers = torch.from_numpy(ours.forward(pictures.permute(0, 2, 3, 1).numpy()))
    torch.testing.assert_close(answers, expected, atol=1e-4, rtol=1e-4)
    return ours


@pytest.mark.parametrize("name", FAST)
def test_a_folder_answers_as_transformers_does(name, tmp_path):
    card = agrees(name, tmp_path).card
    assert (card.architecture, card.labels, card.format) == (
        f"transformers/{name}",
        tuple(LABELS.values()),
        "torch-hub",
    )
    assert OFFERED in card.capabilities


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name not in FAST])
def test_every_architecture_answers_as_transformers_does(name, tmp_path):
    ours = agrees(name, tmp_path)
    assert ours.card.layers[-1].channels > 0


@pytest.mark.long
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_method_that_suits_an_architecture_explains_it(name, tmp_path):
    ours = opened(packed(network(name), tmp_path), tmp_path)
    side = ours.card.input.height or 64
    model = Model(ours, next(iter(presets(side, side).values())))
    image = np.random.default_rng(0).random((side, side, 3), np.float32)
    methods = [method for method in METHODS.values() if not why_not(method, ours.card)]
    assert len(methods) >= 15
    for method in methods:
        *_, estimate = quick(method, ours.card, (side, side)).explain(model, image, np.array([1]))
        assert estimate.maps.shape == (1, side, side), method.id
        assert np.isfinite(estimate.maps).all(), method.id


def test_a_transformer_offers_its_attention_and_the_layer_before_its_last_one(tmp_path):
    card = opened(packed(network("ViTForImageClassification"), tmp_path), tmp_path).card
    assert card.token_grid == (4, 4)
    assert card.layers[-1].name == "vit.layers.1.layernorm_before"
    assert not [layer.name for layer in card.layers if layer.name.endswith("q_proj")]


def test_tokens_that_leave_the_order_of_the_picture_are_no_layer(tmp_path):
    card = opened(packed(network("HieraForImageClassification"), tmp_path), tmp_path).card
    assert [layer.name for layer in card.layers] == ["hiera.embeddings.patch_embeddings.projection"]


def test_two_heads_answer_with_their_mean(tmp_path):
    card = agrees("DeiTForImageClassificationWithTeacher", tmp_path).card
    assert (card.outputs, card.classes) == ((), 3)


def test_its_preprocessing_is_that_of_its_files(tmp_path):
    source = packed(network("ViTForImageClassification"), tmp_path, preprocessor_config__json=LOOK)
    hint = opened(source, tmp_path).card.hint
    assert (hint.height, hint.fit, hint.mean, hint.std) == (32, "squash", (0.5,) * 3, (0.25,) * 3)
    assert hint.resample == "bicubic"


def test_independent_labels_end_in_sigmoids(tmp_path):
    module = network("ViTForImageClassification", problem_type="multi_label_classification")
    assert opened(packed(module, tmp_path), tmp_path).card.head == "sigmoid"


def test_names_that_only_number_the_classes_are_no_labels(tmp_path):
    module = network("ViTForImageClassification", id2label={n: f"LABEL_{n}" for n in range(3)})
    assert opened(packed(module, tmp_path), tmp_path).card.labels == ()


def parts_of(module, **weights):
    config = module.config.to_dict() | {"architectures": [type(module).__name__]}
    return {"config.json": json.dumps(config).encode(), **weights}


def pickled(tensors):
    stream = io.BytesIO()
    torch.save(tensors, stream)
    return stream.getvalue()


def test_weights_of_torch_save_and_a_folder_inside_the_archive_open_too(tmp_path):
    module = network("ViTForImageClassification")
    parts = parts_of(module, **{"pytorch_model.bin": pickled(module.state_dict())})
    assert opened(zipped(parts, tmp_path, "my-vit/"), tmp_path).card.classes == 3


def test_weights_split_into_several_files_are_put_together(tmp_path):
    module = network("ViTForImageClassification")
    tensors = list(module.state_dict().items())
    halves = {"model-1.safetensors": dict(tensors[:9]), "model-2.safetensors": dict(tensors[9:])}
    places = {name: file for file, part in halves.items() for name in part}
    parts = parts_of(module, **{"model.safetensors.index.json": json.dumps({"weight_map": places}).encode()})
    whole = parts | {name: save(part) for name, part in halves.items()}
    assert opened(zipped(whole, tmp_path), tmp_path).card.classes == 3
    del whole["model-2.safetensors"]
    with pytest.raises(RefusedModel, match=r"split into 2 files, and 'model-2\.safetensors' is not among"):
        opened(zipped(whole, tmp_path), tmp_path)


def without_head(module):
    return save({name: tensor for name, tensor in module.state_dict().items() if not name.startswith("classifier")})


def test_a_network_without_its_head_is_refused_by_name(tmp_path):
    module = network("ViTForImageClassification")
    parts = parts_of(module, **{"model.safetensors": without_head(module)})
    with pytest.raises(UnsupportedModel, match=r"2 of the \d+ tensors .* missing .*classifier.bias, classifier.weight"):
        opened(zipped(parts, tmp_path), tmp_path)


def test_weights_of_another_shape_are_refused_by_name(tmp_path):
    module = network("ViTForImageClassification")
    config = json.loads(parts_of(module)["config.json"]) | {"id2label": {n: str(n) for n in range(5)}}
    parts = {"config.json": json.dumps(config).encode(), "model.safetensors": weights_of(module)}
    with pytest.raises(UnsupportedModel, match=r"classifier.bias is 3, expected 5"):
        opened(zipped(parts, tmp_path), tmp_path)


def test_tensors_without_a_place_are_counted_and_named(tmp_path):
    module = network("ViTForImageClassification")
    more = save(module.state_dict() | {"loss.weight": torch.ones(3)})
    card = opened(zipped(parts_of(module, **{"model.safetensors": more}), tmp_path), tmp_path).card
    assert "have no place in the network: loss.weight." in card.notes[-1]
    assert card.notes[-1].startswith("1 of ")


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"model_type": "own"}, UnsupportedModel, "no model type 'own'"),
        (
            {"model_type": "own", "auto_map": {"AutoConfig": "a.B"}},
            UnsupportedModel,
            "its own code, which is never run",
        ),
        (
            {"architectures": ["ViTModel"]},
            UnsupportedModel,
            "holds ViTModel, which does not open here. Expected an image classifier",
        ),
        ({"architectures": ["YolosForObjectDetection"], "model_type": "yolos"}, TryAsDetector, "finds objects"),
        ({"quantization_config": {"quant_method": "awq"}}, UnsupportedModel, "quantised"),
        ({"hidden_size": "wide"}, UnsupportedModel, "does not describe a ViTForImageClassification"),
        ({"hidden_act": "none"}, UnsupportedModel, "does not describe a ViTForImageClassification"),
        ({"num_channels": 65}, UnsupportedModel, "65 channels; a picture has 1 to 64"),
    ],
)
def test_a_folder_that_cannot_be_opened_says_why(change, error, sentence, tmp_path):
    module = network("ViTForImageClassification", **{k: v for k, v in change.items() if k == "num_channels"})
    config = json.loads(parts_of(module)["config.json"]) | change
    parts = {"config.json": json.dumps(config).encode(), "model.safetensors": weights_of(module)}
    with pytest.raises(error, match=sentence):
        opened(zipped(parts, tmp_path), tmp_path)


def test_code_that_a_known_type_names_is_left_alone(tmp_path):
    module = network("ViTForImageClassification")
    config = json.loads(parts_of(module)["config.json"])
    config |= {"auto_map": {"AutoConfig": "evil.Config"}, "attn_implementation": "someone/kernels"}
    parts = {"config.json": json.dumps(config).encode(), "model.safetensors": weights_of(module)}
    assert opened(zipped(parts, tmp_path), tmp_path).card.classes == 3


@pytest.mark.long
def test_mobilenet_in_transformers_names_answers_like_torchvision_on_thirty_photos(assets, tmp_path):
    weights = torch.load(assets / "models/torch/mobilenet_v2-b0353104.pth", weights_only=True)
    look = {"size": {"shortest_edge": 256}, "crop_size": 224, "image_mean": MEAN, "image_std": STD, "resample": 2}
    ours = opened(packed(mobilenet(weights), tmp_path, preprocessor_config__json=look), tmp_path)
    module = import_torchvision_models().mobilenet_v2().eval()
    module.load_state_dict(weights, strict=False)
    files = sorted((assets / "images/imagenet_samples").glob("*.jpg"))[:30]
    way = ours.card.hint
    inputs = way.normalise(np.stack([way.place(np.asarray(Image.open(f).convert("RGB"))) for f in files]))
    with torch.no_grad():
        expected = module(torch.from_numpy(inputs).permute(0, 3, 1, 2)).numpy()
    answers = ours.forward(inputs)
    np.testing.assert_allclose(answers, expected, atol=1e-3)
    truths = [int(file.name[:3]) for file in files]
    assert (answers.argmax(1) == truths).sum() == (expected.argmax(1) == truths).sum() == 22
