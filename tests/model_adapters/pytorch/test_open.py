"""State dicts and safetensors become classifiers whose answers and gradients are PyTorch's own."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from model_adapters import inspect, load
from model_adapters.pytorch.architectures import build, import_torchvision_models
from xai_core.errors import ChooseArchitecture, ModelError, RefusedModel, TryAsDetector, UnsupportedModel
from xai_core.types import Capability, ModelSource

CHECKPOINTS = {
    "bare": lambda weights: weights,
    "DataParallel": lambda weights: {f"module.{key}": value for key, value in weights.items()},
    "Lightning": lambda weights: {"state_dict": {f"model.{k}": v for k, v in weights.items()}, "epoch": 3},
    "timm": lambda weights: {"arch": "resnet18", "model": weights, "metric": np.float64(0.5)},
    "nested": lambda weights: {"model": {"state_dict": {f"module.backbone.{k}": v for k, v in weights.items()}}},
    "half": lambda weights: {k: v.half() if v.is_floating_point() else v for k, v in weights.items()},
}


def opened(path, tmp_path, architecture=None):
    source = ModelSource(str(path), "upload", "digest", architecture)
    return load(source, inspect(source), str(tmp_path))


def saved(content, tmp_path, **options):
    torch.save(content, tmp_path / "upload", **options)
    return tmp_path / "upload"


def pictures(count=2, side=64, channels=3):
    return np.random.default_rng(0).standard_normal((count, side, side, channels), np.float32)


def directly(module, inputs):
    with torch.no_grad():
        return module(torch.from_numpy(inputs).permute(0, 3, 1, 2)).numpy()


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(0)
    return build("torchvision/resnet18", 5).eval()


@pytest.fixture(scope="module")
def mobilenet(assets, tmp_path_factory):
    return opened(assets / "models/torch/mobilenet_v2-b0353104.pth", tmp_path_factory.mktemp("scratch"))


def test_mobilenet_is_recognised_from_an_old_file(mobilenet):
    card = mobilenet.card
    assert (card.architecture, card.classes, card.gives) == ("torchvision/mobilenet_v2", 1000, "logit")
    offered = Capability.PREDICT | Capability.GRADIENT | Capability.ACTIVATIONS | Capability.ABLATION
    assert card.capabilities & offered == offered
    assert (card.layers[-1].name, card.layers[-1].channels) == ("features", 1280)
    assert (card.input.height, card.hint.height, card.hint.crop_share) == (None, 224, 0.875)
    assert card.hint.mean == (0.485, 0.456, 0.406)


def test_mobilenet_knows_an_astronaut_and_a_cat(mobilenet, assets):
    from PIL import Image

    look = mobilenet.card.hint
    files = [assets / "images/open_licence" / name for name in ("chelsea.png", "coffee.png")]
    placed = [look.place(np.asarray(Image.open(file).convert("RGB"))) for file in files]
    cat, coffee = mobilenet.forward(look.normalise(np.stack(placed))).argmax(1)
    assert cat in (281, 282, 285)  # tabby, tiger cat, Egyptian cat
    assert coffee in (504, 550, 967)  # coffee mug, espresso maker, espresso


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in ("bare", "nested") else pytest.mark.long) for kind in CHECKPOINTS]
)
def test_weights_are_found_in_the_usual_checkpoints(kind, resnet, tmp_path):
    network = opened(saved(CHECKPOINTS[kind](resnet.state_dict()), tmp_path), tmp_path)
    assert (network.card.architecture, network.card.classes) == ("torchvision/resnet18", 5)
    tolerance = 2e-2 if kind == "half" else 1e-5
    np.testing.assert_allclose(network.forward(pictures()), directly(resnet, pictures()), atol=tolerance)


def test_a_head_behind_dropout_is_found(resnet, tmp_path):
    weights = {key.replace("fc.", "fc.1."): value for key, value in resnet.state_dict().items()}
    network = opened(saved(weights, tmp_path), tmp_path)
    np.testing.assert_allclose(network.forward(pictures()), directly(resnet, pictures()), atol=1e-5)


def test_a_second_layer_that_fits_no_head_is_not_guessed_at(resnet, tmp_path):
    weights = {key.replace("fc.", "fc.1."): value for key, value in resnet.state_dict().items()}
    with pytest.raises(
        UnsupportedModel, match=r"holds torchvision/resnet18 without a last layer that fits it: 100 tensors"
    ):
        opened(saved(weights | {"fc.3.weight": torch.zeros(2, 4)}, tmp_path), tmp_path)


def test_safetensors_and_old_files_open_too(resnet, tmp_path):
    save_file(resnet.state_dict(), tmp_path / "upload.safetensors")
    new = opened(tmp_path / "upload.safetensors", tmp_path)
    old = opened(saved(resnet.state_dict(), tmp_path, _use_new_zipfile_serialization=False), tmp_path)
    assert (new.card.format, old.card.format) == ("safetensors", "torch-weights")
    assert (new.forward(pictures()) == old.forward(pictures())).all()


@pytest.mark.parametrize(
    "name", [pytest.param("torchvision/swin_t", marks=pytest.mark.long), "timm/resnet10t", "timm/efficientvit_b0"]
)
def test_other_networks_give_their_own_answers(name, tmp_path):
    module = build(name, 3).eval()
    network = opened(saved(module.state_dict(), tmp_path), tmp_path, name)
    np.testing.assert_allclose(network.forward(pictures()), directly(module, pictures()), atol=1e-4)


def test_a_fixed_input_size_is_told(tmp_path):
    module = build("timm/vit_tiny_patch16_224", 3)
    card = opened(saved(module.state_dict(), tmp_path), tmp_path).card
    assert (card.input.height, card.input.width) == (224, 224)


def test_a_network_for_gray_pictures_opens(tmp_path):
    module = build("torchvision/resnet18", 4, channels=1)
    network = opened(saved(module.state_dict(), tmp_path), tmp_path)
    assert (network.card.input.channels, network.card.hint.channels) == (1, "gray")
    assert network.backward(pictures(channels=1), np.array([0, 3]), "logit").shape == (2, 64, 64, 1)


def test_one_output_becomes_two_classes(tmp_path):
    network = opened(saved(build("torchvision/resnet18", 1).state_dict(), tmp_path), tmp_path)
    assert (network.card.head, network.card.classes, network.card.both_sides) == ("sigmoid", 2, True)
    logits = network.forward(pictures(1))
    assert logits[0, 0] == -logits[0, 1] != 0


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_gradients_are_those_of_autograd(score, resnet, tmp_path):
    network = opened(saved(resnet.state_dict(), tmp_path), tmp_path)
    targets = np.array([4, 1])
    leaf = torch.from_numpy(pictures()).permute(0, 3, 1, 2).clone().requires_grad_()
    scores = resnet(leaf) if score == "logit" else torch.softmax(resnet(leaf), 1)
    (expected,) = torch.autograd.grad(scores[range(2), targets].sum(), leaf)
    found = network.backward(pictures(), targets, score)
    np.testing.assert_allclose(found, expected.permute(0, 2, 3, 1), atol=1e-5 * float(expected.abs().max()))


def test_gradients_are_the_slope_of_the_answers(mobilenet):
    point, target = pictures(1, 96).astype(np.float64), np.array([7])
    gradient = mobilenet.backward(point.astype(np.float32), target, "logit").astype(np.float64)
    step = gradient * (0.01 / np.linalg.norm(gradient))
    ahead, behind = (mobilenet.forward((point + side * step).astype(np.float32))[0, 7] for side in (1, -1))
    slope = np.linalg.norm(gradient)
    assert (ahead - behind) / 0.02 == pytest.approx(slope, rel=0.02)


def test_the_caller_keeps_its_arrays_and_the_network_its_weights(mobilenet):
    inputs = pictures(1)
    before = inputs.copy()
    first = mobilenet.backward(inputs, np.array([1]), "logit")
    assert (inputs == before).all()
    assert (mobilenet.backward(inputs, np.array([1]), "logit") == first).all()


def test_a_picture_gets_the_same_answer_in_any_batch(mobilenet):
    inputs = pictures(3, 96)
    alone = np.concatenate([mobilenet.forward(inputs[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(mobilenet.forward(inputs), alone, atol=1e-4)


def test_a_size_that_the_network_can_not_take_is_told(tmp_path):
    network = opened(saved(build("timm/vit_tiny_patch16_224", 3).state_dict(), tmp_path), tmp_path)
    with pytest.raises(ModelError, match="does not take pictures of 100x100 pixels"):
        network.forward(pictures(1, 100))


@pytest.mark.parametrize("name", ["captum_cifar_smallcnn.pt"])
def test_weights_of_an_unknown_network_are_answered_with_what_to_do(name, assets, tmp_path):
    with pytest.raises(UnsupportedModel, match=r"torch\.jit\.trace.*torch\.onnx\.export"):
        opened(assets / "models/torch" / name, tmp_path)


def test_a_detector_is_told(assets, tmp_path):
    with pytest.raises(TryAsDetector, match="finds objects"):
        opened(assets / "models/detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth", tmp_path)


@pytest.mark.parametrize(
    ("network", "error", "sentence"),
    [
        ("retinanet_resnet50_fpn", TryAsDetector, "finds objects"),
        ("lraspp_mobilenet_v3_large", UnsupportedModel, "segmentation"),
    ],
)
def test_networks_of_other_tasks_are_told(network, error, sentence, tmp_path):
    with torch.device("meta"):
        names = import_torchvision_models().get_model(network, weights=None, weights_backbone=None).state_dict()
    with pytest.raises(error, match=sentence):
        opened(saved({name: torch.zeros(1) for name in names}, tmp_path), tmp_path)


def test_an_unknown_segmentation_network_is_told(tmp_path):
    weights = {"backbone.conv1.weight": torch.zeros(4, 3, 3, 3), "classifier.4.weight": torch.zeros(21, 8, 1, 1)}
    with pytest.raises(UnsupportedModel, match="no known segmentation network"):
        opened(saved(weights, tmp_path), tmp_path)


def test_the_person_may_choose_among_equal_architectures(resnet, tmp_path):
    path = saved(resnet.state_dict(), tmp_path)
    assert "timm/resnet18" in opened(path, tmp_path).card.notes[0]
    assert opened(path, tmp_path, "timm/resnet18").card.architecture == "timm/resnet18"


def test_an_architecture_that_does_not_fit_is_told_with_the_first_differences(resnet, tmp_path):
    path = saved(resnet.state_dict(), tmp_path)
    with pytest.raises(UnsupportedModel) as caught:
        opened(path, tmp_path, "torchvision/resnet50")
    assert re.search(
        r"do not fit torchvision/resnet50: layer1\.0\.conv3\.weight is missing.* and \d+ more", str(caught.value)
    )
    with pytest.raises(UnsupportedModel, match="'torchvision/resnet19' is not known"):
        opened(path, tmp_path, "torchvision/resnet19")


def test_a_tensor_that_claims_more_than_it_stores_is_refused(tmp_path):
    path = saved({"fc.weight": torch.zeros(1).expand(200_000, 200_000)}, tmp_path)
    with pytest.raises(RefusedModel, match=r"Tensor fc\.weight claims 160 GB but stores 4 bytes\."):
        opened(path, tmp_path)


def test_a_file_without_weights_is_told(tmp_path):
    with pytest.raises(UnsupportedModel, match="holds no network weights"):
        opened(saved({"epoch": 3}, tmp_path), tmp_path)


def test_an_old_file_cut_short_is_damaged(resnet, tmp_path):
    path = saved(resnet.state_dict(), tmp_path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(RefusedModel, match="damaged or cut short"):
        opened(path, tmp_path)


def test_an_exported_program_opens_on_trust(tmp_path, monkeypatch):
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 20, 20),)), tmp_path / "upload.pt2")
    monkeypatch.setenv("VITRINE_TRUST_PICKLE", "1")
    network = opened(tmp_path / "upload.pt2", tmp_path)
    assert (network.card.input.height, network.card.input.batch) == (20, 1)
    inputs = pictures(2, 20)
    np.testing.assert_allclose(network.forward(inputs), directly(module, inputs), atol=1e-5)
    layer = network.card.layers[0]
    assert (layer.height, layer.width, layer.channels) == (18, 18, 4)
    with torch.no_grad():
        expected = module[0](torch.from_numpy(inputs).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(network.activations(inputs, layer.name), expected, atol=1e-5)


def test_a_whole_module_opens_on_trust(tmp_path, monkeypatch):
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    path = saved(module, tmp_path)
    with pytest.raises(ChooseArchitecture, match=r"a whole module \(torch.nn.modules.container.Sequential\)"):
        opened(path, tmp_path)
    monkeypatch.setenv("VITRINE_TRUST_PICKLE", "1")
    network = opened(path, tmp_path)
    np.testing.assert_allclose(network.forward(pictures()), directly(module, pictures()), atol=1e-5)
    assert [layer.name for layer in network.card.layers] == ["0"]
