"""The preprocessing that real networks were trained with is found, from as few pictures as a person brings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vitrine.runner import local_runner
from xai_core.pictures.files import Picture
from xai_core.pictures.known_photos import KnownPhoto
from xai_core.preprocessing import Preprocessing
from xai_core.services.preparation import Prepared, prepare
from xai_core.services.preprocessing_guess import Predict, rank
from xai_core.types import Capability, Card, Floats, InputSpec, ModelSource

KNOWN = {"chelsea.png": (281, 282, 285), "coffee.png": (504, 967, 968), "rocket.jpg": (657, 744), "china.jpg": (698,)}
MORE = ((0, 8), (8, 8), (16, 8), (8, 4), (16, 4))  # the first picture of CIFAR-10 and how many follow
OTHERS = ("astronaut.png", "flower.jpg", "grace_hopper.jpg")


@pytest.fixture(scope="module")
def found(assets: Path) -> Iterator[Callable[..., Prepared]]:
    """Prepare a model with the first of the test pictures of CIFAR-10, and with photos of which most are known."""
    runner = local_runner()
    photos = [
        KnownPhoto(name, str(assets / "images/open_licence" / name), KNOWN.get(name, ())) for name in (*KNOWN, *OTHERS)
    ]
    cifar = np.load(assets / "datasets/cifar10/cifar10_train3000_test2000.npz")["x_test"]

    def prepared(model: str, first: int = 0, count: int = 0) -> Prepared:
        path = assets / "models" / model
        source = ModelSource(str(path), path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        own = [Picture(pixels, f"{n}.png", f"{n}") for n, pixels in enumerate(cifar[first : first + count])]
        return prepare(runner, source, own, photos)

    yield prepared
    runner.close()


@pytest.mark.parametrize(("first", "count"), [(0, 4), *(pytest.param(*row, marks=pytest.mark.long) for row in MORE)])
def test_a_keras_network_is_found_to_want_0_to_255(found, first, count):
    assert found("keras/cifar10_cnn.h5", first, count).candidates[0].name == "0..255"


@pytest.mark.long
def test_with_one_picture_it_is_found_too_but_called_weak_evidence(found):
    best = found("keras/cifar10_cnn.h5", 0, 1).candidates[0]
    assert best.name == "0..255"
    assert "one picture of yours and 7 sample photos, this is weak evidence" in best.evidence


@pytest.mark.long
def test_an_onnx_network_of_imagenet_is_found_to_want_minus_one_to_one(found):
    ranked = found("onnx/efficientnet_lite0.onnx").candidates
    assert ranked[0].name == "-1..1"
    assert ranked[0].score > max(c.score for c in ranked[1:])
    assert "4 of 4 known photos" in ranked[0].evidence


@pytest.mark.parametrize(
    ("first", "count"), [(0, 4), *(pytest.param(*row, marks=pytest.mark.long) for row in MORE[:3])]
)
def test_a_network_that_was_trained_with_imagenet_s_mean_is_found_to_want_it(found, first, count):
    ranked = found("onnx/resnet20_cifar10.onnx", first, count).candidates
    assert ranked[0].name == "ImageNet mean/std" or "ImageNet mean/std does about as well" in ranked[0].evidence


@pytest.mark.long
def test_a_known_architecture_s_own_preprocessing_comes_first_with_its_reason(found):
    prepared = found("torch/mobilenet_v2-b0353104.pth")
    assert prepared.preprocessing == prepared.card.hint
    assert prepared.candidates[0].evidence.startswith(prepared.card.hint_reason)
    assert prepared.candidates[0].score == max(c.score for c in prepared.candidates)


def vision_transformer(assets: Path) -> Predict:
    """A small vision transformer of handwritten digits, trained on values from -1 to 1."""
    torch, models = pytest.importorskip("torch"), pytest.importorskip("torchvision.models")
    sizes = {"num_layers": 4, "num_heads": 4, "hidden_dim": 64, "mlp_dim": 128}
    network = models.VisionTransformer(image_size=28, patch_size=4, num_classes=10, **sizes).eval()
    network.load_state_dict(torch.load(assets / "models/torch/vit_mnist_torchvision.pth", weights_only=True))

    def predict(way: Preprocessing, images: Floats) -> Floats:
        with torch.no_grad():
            return network(torch.from_numpy(way.normalise(images)).permute(0, 3, 1, 2)).softmax(1).numpy()

    return predict


@pytest.mark.parametrize("first", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (8, 16))])
def test_a_transformer_of_digits_is_found_to_want_minus_one_to_one(assets, first):
    digits = np.load(assets / "datasets/mnist/mnist_train10k_test10k.npz")["x_test"][first : first + 8]
    own = [Picture(np.repeat(d[..., None], 3, axis=2), f"{n}.png", f"{n}") for n, d in enumerate(digits)]
    card = Card("pytorch", "torchscript", 10, InputSpec(28, 28), Capability.PREDICT)
    ranked = rank(card, vision_transformer(assets), own)
    assert ranked[0].name == "-1..1"
