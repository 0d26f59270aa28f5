"""Checkpoints as people have them become classifiers; what was assumed or left out is said."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model_adapters.pytorch.architectures import build
from model_adapters.pytorch.weights import from_weights
from xai_core.errors import TryAsDetector, UnsupportedModel
from xai_core.types import FileKind, ModelSource

KIND = FileKind("torch-weights", "pytorch")
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.3, 0.4]


def opened(content, architecture=None):
    return from_weights(content, ModelSource("", "", "", architecture), KIND)


def small(classes=5, channels=3):
    torch.manual_seed(0)
    return build("torchvision/mobilenet_v3_small", classes, channels).eval()


def behind(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def check_same(network, module, channels=3):
    pictures = torch.randn(2, channels, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = module(pictures)
    answers = torch.from_numpy(network.forward(pictures.permute(0, 2, 3, 1).numpy()))
    torch.testing.assert_close(answers, expected, atol=1e-4, rtol=1e-4)


def said(network):
    """Return the notes of a card, except those on methods."""
    return [note for note in network.card.notes if not note.startswith("Deconvnet")]


WRAPPERS = {
    "prefix": lambda own: behind("base_model.", own),
    "two prefixes": lambda own: behind("module._orig_mod.", own),
    "nested": lambda own: {"a": {"b": behind("m.", own)}},
    "averaged": lambda own: {"n_averaged": torch.tensor(7), **behind("module.", own)},
    "under a number": lambda own: {"step": 3, "optimizer": {"state": {0: {"exp_avg": torch.zeros(9)}}}, "net": own},
}


@pytest.mark.parametrize("kind", WRAPPERS)
def test_a_wrapped_network_gives_its_own_answers_without_a_word(kind):
    module = small()
    network = opened(WRAPPERS[kind](module.state_dict()))
    assert (network.card.architecture, said(network)) == ("torchvision/mobilenet_v3_small", [])
    check_same(network, module)


def test_a_chosen_architecture_is_found_behind_a_prefix():
    module = small()
    check_same(opened(behind("my.net.", module.state_dict()), "torchvision/mobilenet_v3_small"), module)


def test_a_chosen_architecture_that_does_not_fit_is_compared_behind_its_prefix():
    weights = behind("net.", build("torchvision/resnet18", 5).state_dict())
    with pytest.raises(UnsupportedModel, match=r"layer1\.0\.conv3\.weight is missing"):
        opened(weights, "torchvision/resnet50")


def test_tensors_beside_the_network_are_counted():
    module = small()
    beside = {"criterion.weight": torch.ones(5), "loss.pos_weight": torch.ones(5), "best": torch.tensor(0.9)}
    network = opened({**behind("net.", module.state_dict()), **beside})
    assert network.card.notes[0].startswith(
        "2 tensors of the file are not part of the network and not used: criterion.weight, loss.pos_weight."
    )
    check_same(network, module)


def test_averaged_weights_beside_the_network_are_offered():
    own, average = small(), small().state_dict()
    network = opened({"model_ema": behind("module.", average), "model": own.state_dict()})
    choice = "torchvision/mobilenet_v3_small in model_ema.module"
    assert said(network) == [
        "The file holds 2 networks. model is used, not model_ema.module. "
        f"To open another one, choose it as the architecture: {choice}."
    ]
    assert network.card.choices == (choice,)


def test_averaged_weights_open_once_they_are_chosen():
    own, average = small(), small()
    average.classifier[3].bias.data += 1
    content = {"model_ema": behind("module.", average.state_dict()), "model": own.state_dict()}
    check_same(opened(content, "torchvision/mobilenet_v3_small in model_ema.module"), average)
    check_same(opened(content), own)


@pytest.mark.parametrize("names", [("0.mean", "0.std"), ("normalize.mean", "normalize.std"), ("mean", "std")])
def test_a_normalisation_in_front_becomes_the_preprocessing(names):
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    network = opened({names[0]: mean, names[1]: std, **behind("1.", small().state_dict())})
    card = network.card
    assert (card.hint.mean, card.hint.std, card.hint.scale) == (tuple(MEAN), tuple(STD), 1.0)
    assert card.hint_reason == f"The file holds its mean and standard deviation, {names[0]} and {names[1]}."
    assert card.hint_known
    assert said(network) == []


def test_a_mean_of_bytes_is_one_of_values_up_to_255():
    layer = {"pixel_mean": torch.tensor([123.675, 116.28, 103.53]), "pixel_std": torch.tensor([58.4, 57.1, 57.4])}
    assert opened({**layer, **behind("net.", small().state_dict())}).card.hint.scale == 255.0


def test_a_head_of_several_layers_is_rebuilt_and_said():
    module = small()
    module.classifier = nn.Sequential(
        nn.Dropout(0.2), nn.Linear(576, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.4), nn.Linear(16, 3)
    ).eval()
    network = opened(module.state_dict())
    assert network.card.classes == 3
    assert "linear layers from 576 to 16 to 3 values and 1 norm" in network.card.notes[0]
    assert "ReLU is assumed" in network.card.notes[0]
    check_same(network, module)


def test_a_new_last_layer_in_a_sequence_keeps_the_layers_before_it():
    module = small()
    module.classifier[3] = nn.Sequential(nn.Linear(1024, 16), nn.ReLU(), nn.Linear(16, 2))
    check_same(opened(module.state_dict()), module)


@pytest.mark.parametrize("name", ["classifier.", "head.layers.", "fc."])
def test_a_head_beside_its_extractor_is_put_on_it(name):
    module = small()
    module.classifier = nn.Sequential(nn.Linear(576, 16), nn.ReLU(), nn.Linear(16, 4))
    trunk = {key: value for key, value in module.state_dict().items() if key.startswith("features")}
    network = opened({**behind("extractor.", trunk), **behind(name, module.classifier.state_dict())})
    assert f"no head of this network; {name.partition('.')[0]} is used as one, with 4 classes." in said(network)[0]
    check_same(network, module)


def test_a_single_layer_beside_its_extractor_is_said_too():
    trunk = {key: value for key, value in small().state_dict().items() if key.startswith("features")}
    network = opened({**behind("encoder.", trunk), "projection.weight": torch.zeros(128, 576)})
    assert said(network) == ["The file names no head of this network; projection is used as one, with 128 classes."]


def test_a_layer_behind_a_whole_network_is_added_and_said():
    module = nn.Sequential(small(10), nn.Linear(10, 2)).eval()
    network = opened({**behind("backbone.", module[0].state_dict()), **behind("fc.", module[1].state_dict())})
    assert network.card.classes == 2
    assert (
        "a further head for the 10 outputs of torchvision/mobilenet_v3_small, with 2 classes" in network.card.notes[0]
    )
    check_same(network, module)


def test_an_extractor_without_a_head_is_answered_with_numbers():
    trunk = {key: value for key, value in small().state_dict().items() if key.startswith("features")}
    with pytest.raises(UnsupportedModel, match=r"without a last layer that fits it: 206 tensors .*, 1 is not\."):
        opened({**behind("encoder.", trunk), "decoder.weight": torch.zeros(3, 3)})


def test_old_names_of_a_densenet_are_read_and_chexnet_has_independent_findings():
    weights = {}
    for key, value in build("torchvision/densenet121", 14).state_dict().items():
        for old, new in (("norm1", "norm.1"), ("norm2", "norm.2"), ("conv1", "conv.1"), ("conv2", "conv.2")):
            key = key.replace(f".{old}.", f".{new}.") if "denselayer" in key else key
        weights["module.densenet121." + key.replace("classifier.", "classifier.0.")] = value
    card = opened({"state_dict": weights, "best_loss": 0.09}).card
    assert (card.architecture, card.head, card.classes) == ("torchvision/densenet121", "sigmoid", 14)
    assert "through a sigmoid" in card.notes[1]


def test_fourteen_classes_alone_are_no_findings():
    assert opened(small(14).state_dict()).card.head == "softmax"


def test_a_gray_network_of_ten_classes_gets_a_guess_that_calls_itself_one():
    card = opened(small(10, 1).state_dict()).card
    assert (card.hint.height, card.hint.channels, card.hint.mean) == (28, "gray", (0.1307,))
    assert card.hint_reason.startswith("The file does not say the input size or how values are scaled.")
    assert not card.hint_known


def test_a_gray_network_of_other_classes_claims_nothing():
    card = opened(small(4, 1).state_dict()).card
    assert card.hint.height == 224
    assert "is for colour pictures of 224x224" in card.hint_reason


def test_unknown_heads_of_a_transformer_are_asked_for():
    from timm.models.vision_transformer import VisionTransformer

    torch.manual_seed(0)
    sizes = {"img_size": 28, "patch_size": 4, "embed_dim": 48, "depth": 2, "num_heads": 4, "num_classes": 5}
    module = VisionTransformer(**sizes).eval()
    with pytest.raises(UnsupportedModel, match=r"Choose the architecture vit/N_heads"):
        opened(module.state_dict())
    network = opened(behind("net.", module.state_dict()), "vit/4_heads")
    pictures = torch.randn(2, 3, 28, 28)
    answers = torch.from_numpy(network.forward(pictures.permute(0, 2, 3, 1).numpy()))
    torch.testing.assert_close(answers, module(pictures).detach(), atol=1e-4, rtol=1e-4)
    with pytest.raises(UnsupportedModel, match="do not fit a VisionTransformer with 5 attention heads"):
        opened(module.state_dict(), "vit/5_heads")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("net.rpn.head.weight", TryAsDetector),
        ("model.decode_head.weight", UnsupportedModel),
        ("segmentation_head.0.weight", UnsupportedModel),
    ],
)
def test_a_known_trunk_of_another_task_is_not_opened_as_a_classifier(name, error):
    trunk = {key: value for key, value in small().state_dict().items() if key.startswith("features")}
    with pytest.raises(error, match=r"finds objects|labels every pixel"):
        opened({**behind("backbone.body.", trunk), name: torch.zeros(2, 2)})


def test_a_network_of_two_channels_says_how_many_it_takes():
    assert opened(small(4, 2).state_dict()).card.input.channels == 2
