"""TorchScript files become classifiers: what they take and give is found out by asking them."""

from __future__ import annotations

import warnings
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from model_adapters import inspect, load
from model_adapters.pytorch.architectures import import_torchvision_models
from xai_core.errors import RefusedModel, TryAsDetector, UnsupportedModel
from xai_core.types import Capability, ModelSource

ENDS = {"softmax": nn.Softmax(1), "log_softmax": nn.LogSoftmax(1), "sigmoid": nn.Sigmoid()}


def opened(path, tmp_path):
    source = ModelSource(str(path), "upload", "digest")
    return load(source, inspect(source), str(tmp_path))


def script(module, tmp_path, example=None):
    """Save a module as TorchScript, traced where there is an example, else compiled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        made = (
            torch.jit.script(module.eval())
            if example is None
            else torch.jit.trace(module.eval(), example, check_trace=False)
        )
        made.save(tmp_path / "upload")
    return tmp_path / "upload"


def small(classes=5, channels=3, stride=1):
    torch.manual_seed(0)
    first = nn.Conv2d(channels, 8, 3, stride)
    return nn.Sequential(first, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes))


def fixed(side, classes=5, channels=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * side * side, classes)).eval()


def pictures(count=2, side=32, channels=3):
    return np.random.default_rng(0).standard_normal((count, side, side, channels), np.float32)


def directly(module, inputs):
    with torch.no_grad():
        return module.eval()(torch.from_numpy(inputs).permute(0, 3, 1, 2)).numpy()


@pytest.fixture(scope="module")
def resnet20(assets, tmp_path_factory):
    return opened(assets / "models/torch/resnet20_cifar10_torchscript.pt", tmp_path_factory.mktemp("scratch"))


def test_resnet20_knows_cifar_pictures(resnet20, cifar):
    images, classes = cifar
    mean, std = np.float32((0.485, 0.456, 0.406)), np.float32((0.229, 0.224, 0.225))
    right = (resnet20.forward((images - mean) / std).argmax(1) == classes).mean()
    assert right > 0.88


def test_resnet20_is_described(resnet20):
    card = resnet20.card
    assert (card.classes, card.input.height, card.input.channels, card.input.batch) == (10, 32, 3, None)
    assert (card.gives, card.head, card.architecture) == ("logit", "softmax", None)
    assert "any size" in card.notes[0]


def test_the_gradient_of_resnet20_is_its_slope(resnet20):
    point, target = pictures(1).astype(np.float64), np.array([3])
    gradient = resnet20.backward(point.astype(np.float32), target, "logit").astype(np.float64)
    slope = np.linalg.norm(gradient)
    step = gradient * (0.003 / slope)
    ahead, behind = (resnet20.forward((point + side * step).astype(np.float32))[0, 3] for side in (1, -1))
    assert (ahead - behind) / 0.006 == pytest.approx(slope, rel=0.05)


def test_vit_on_mnist_opens_through_torchscript(assets, tmp_path):
    vit = import_torchvision_models().VisionTransformer(28, 4, 4, 4, 64, 128, num_classes=10)
    vit.load_state_dict(torch.load(assets / "models/torch/vit_mnist_torchvision.pth", weights_only=True))
    network = opened(script(vit, tmp_path, torch.rand(1, 3, 28, 28)), tmp_path)
    with np.load(assets / "datasets/mnist/mnist_train10k_test10k.npz") as data:
        digits, classes = data["x_test"][:100].reshape(100, 28, 28, 1), data["y_test"][:100]
    inputs = np.repeat(digits, 3, axis=3).astype(np.float32) / 127.5 - 1
    assert (network.card.input.height, network.card.input.channels) == (28, 3)
    assert Capability.GRADIENT in network.card.capabilities
    assert (network.forward(inputs).argmax(1) == classes).mean() > 0.9


@pytest.mark.parametrize(("side", "channels"), [(28, 1), (32, 3), (64, 3), (100, 3), (299, 3), (480, 1)])
def test_a_fixed_input_is_found(side, channels, tmp_path):
    card = opened(script(fixed(side, channels=channels), tmp_path), tmp_path).card
    assert (card.input.height, card.input.width, card.input.channels) == (side, side, channels)


@pytest.mark.parametrize(
    ("module", "side"), [(small(), 32), (small(channels=1), 28), (small(stride=2), None), (small(classes=1000), None)]
)
def test_a_free_input_size_is_guessed_where_the_network_looks_small(module, side, tmp_path):
    card = opened(script(module, tmp_path), tmp_path).card
    assert (card.input.height, card.input.width, bool(card.notes)) == (side, side, side is not None)


@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize("end", ENDS)
def test_a_last_activation_is_cut(end, traced, tmp_path):
    body = small()
    path = script(nn.Sequential(body, ENDS[end]), tmp_path, torch.rand(1, 3, 32, 32) if traced else None)
    network = opened(path, tmp_path)
    assert (network.card.gives, network.card.head) == ("logit", "sigmoid" if end == "sigmoid" else "softmax")
    np.testing.assert_allclose(network.forward(pictures()), directly(body, pictures()), atol=1e-5)


def test_a_functional_softmax_is_cut_too(tmp_path):
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small()

        def forward(self, x):
            return nn.functional.softmax(self.body(x), dim=-1)

    network = opened(script(Functional(), tmp_path), tmp_path)
    np.testing.assert_allclose(network.forward(pictures()), directly(small(), pictures()), atol=1e-5)


def test_probabilities_that_can_not_be_cut_are_told_and_still_have_gradients(tmp_path):
    module = nn.Sequential(small(), nn.Softmax(1), nn.Hardtanh(0.0, 1.0))
    network = opened(script(module, tmp_path), tmp_path)
    assert network.card.gives == "probability"
    leaf = torch.from_numpy(pictures()).permute(0, 3, 1, 2).clone().requires_grad_()
    (expected,) = torch.autograd.grad(module(leaf)[:, 2].sum(), leaf)
    found = network.backward(pictures(), np.array([2, 2]), "probability")
    np.testing.assert_allclose(found, expected.permute(0, 2, 3, 1), atol=1e-7)


def test_a_model_traced_for_one_picture_is_asked_picture_by_picture(tmp_path):
    class One(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.last = small(4), nn.Linear(4, 3)

        def forward(self, x):
            return self.last(self.body(x).reshape(1, 4))

    module = One()
    network = opened(script(module, tmp_path, torch.rand(1, 3, 32, 32)), tmp_path)
    assert network.card.input.batch == 1
    expected = np.concatenate([directly(module, pictures(3)[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(network.forward(pictures(3)), expected, atol=1e-5)
    assert network.backward(pictures(3), np.array([0, 1, 2]), "logit").shape == (3, 32, 32, 3)


def test_a_network_without_gradients_says_so(tmp_path):
    class Rounded(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small()

        def forward(self, x):
            return self.body(x).detach()

    card = opened(script(Rounded(), tmp_path), tmp_path).card
    assert card.capabilities == Capability.PREDICT
    assert "has no gradient" in card.missing["GRADIENT"]


def test_an_input_changed_in_place_stays_the_callers(tmp_path):
    network = opened(script(nn.Sequential(nn.ReLU(inplace=True), small()), tmp_path), tmp_path)
    inputs = pictures()
    network.backward(inputs, np.array([0, 0]), "logit")
    network.forward(inputs)
    assert (inputs == pictures()).all()


def test_half_precision_runs_in_float32(tmp_path):
    network = opened(script(small().half(), tmp_path), tmp_path)
    assert network.forward(pictures()).dtype == np.float32


class Outputs(nn.Module):
    """A module whose answer is made by its subclass from scores (N, 5)."""

    def __init__(self):
        super().__init__()
        self.body = small()


class ScoresAndFeatures(Outputs):
    def forward(self, x):
        return self.body(x), x


class Named(Outputs):
    def forward(self, x):
        return {"features": self.body(x), "logits": self.body(x) * 2}


class Twice(Outputs):
    def forward(self, x):
        return self.body(x), self.body(x)


class TwoInputs(Outputs):
    def forward(self, x, mask):
        return self.body(x * mask)


class Detects(Outputs):
    def forward(self, images: list[torch.Tensor]):
        return [{"boxes": image} for image in images]


class Boxes(Outputs):
    def forward(self, x):
        return torch.zeros(x.shape[0], 25, 6)


class ReadsAFile(Outputs):
    def forward(self, x):
        return torch.from_file("/no/such/folder/file", shared=False, size=64, dtype=torch.uint8).float().reshape(1, -1)


@pytest.mark.parametrize("module", [ScoresAndFeatures(), Twice()])
def test_the_only_scores_among_several_outputs_are_explained(module, tmp_path):
    network = opened(script(module, tmp_path), tmp_path)
    np.testing.assert_allclose(network.forward(pictures()), directly(small(), pictures()), atol=1e-5)


@pytest.mark.parametrize(
    ("module", "error", "sentence"),
    [
        (TwoInputs(), UnsupportedModel, r"takes 2 inputs \(x, mask\)"),
        (Detects(), TryAsDetector, "finds objects"),
        (Boxes(), UnsupportedModel, "one row of scores a picture"),
        (fixed(17), UnsupportedModel, "took no picture of 16 to 512 pixels"),
        (ReadsAFile(), RefusedModel, r"operation on files \(torch.from_file\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_classifier_of_pictures_is_told(module, error, sentence, tmp_path):
    with pytest.raises(error, match=sentence):
        opened(script(module, tmp_path), tmp_path)


def test_a_damaged_file_is_told(tmp_path):
    path = script(small(), tmp_path)
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "damaged", "w") as damaged:
        for name in whole.namelist():
            damaged.writestr(name, whole.read(name).replace(b"def forward", b"def ("))
    with pytest.raises(RefusedModel, match="damaged"):
        opened(tmp_path / "damaged", tmp_path)
