"""An architecture is told from the names and shapes of its tensors alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from model_adapters.pytorch import architecture_index
from model_adapters.pytorch.architectures import build, import_torchvision_models

NAMES = [
    "torchvision/resnet18",
    "torchvision/mobilenet_v3_small",
    "torchvision/efficientnet_b0",
    "torchvision/convnext_tiny",
    "torchvision/vit_b_16",
    "torchvision/swin_t",
    "torchvision/swin_v2_t",
    "torchvision/densenet121",
    "torchvision/squeezenet1_1",
    "torchvision/shufflenet_v2_x1_0",
    "torchvision/googlenet",
    "torchvision/inception_v3",
    "torchvision/vgg11_bn",
    "torchvision/alexnet",
    "timm/resnet26d",
    "timm/tf_efficientnetv2_b0",
    "timm/mobilenetv3_small_100",
    "timm/vit_tiny_patch16_224",
    "timm/levit_128s",
]


def shapes_of(name, classes):
    with torch.device("meta"):
        tensors = build(name, classes).state_dict()
    return {key: tuple(t.shape) for key, t in tensors.items() if t.is_floating_point()}


@pytest.mark.parametrize("name", NAMES)
def test_an_architecture_is_found_whatever_its_number_of_classes(name):
    match = architecture_index.find(shapes_of(name, 7))
    assert match is not None
    assert name in (match.architecture.name, *match.others)
    assert (match.classes, match.channels) == (7, 3)


def test_torchvision_comes_before_timm_where_the_weights_fit_both():
    match = architecture_index.find(shapes_of("timm/resnet18", 10))
    assert match.architecture.name == "torchvision/resnet18"
    assert "timm/resnet18" in match.others


def test_gray_pictures_are_told_from_the_first_layer():
    shapes = shapes_of("torchvision/resnet18", 10) | {"conv1.weight": (64, 1, 7, 7)}
    assert architecture_index.find(shapes).channels == 1


@pytest.mark.parametrize("change", [{"conv1.weight": (64, 3, 3, 3)}, {"extra.weight": (3, 3)}, {"fc.weight": ()}])
def test_a_changed_network_is_not_taken_for_another(change):
    assert architecture_index.find(shapes_of("torchvision/resnet18", 10) | change) is None


def test_heads_for_training_only_do_not_matter():
    shapes = shapes_of("torchvision/googlenet", 10) | {"aux1.fc2.weight": (10, 1024), "aux1.fc2.bias": (10,)}
    assert architecture_index.find(shapes).architecture.name == "torchvision/googlenet"


def test_an_entry_declares_how_its_pictures_were_prepared():
    found = architecture_index.named("torchvision/efficientnet_b1")
    assert (found.declared.height, found.declared.crop_share) == (240, 0.9375)
    assert architecture_index.named("timm/mobilenetv3_small_100").declared.mean == (0.485, 0.456, 0.406)
    assert architecture_index.named("torchvision/vit_b_16").fixed_size
    assert not architecture_index.named("torchvision/resnet18").fixed_size


def test_all_classifiers_of_torchvision_are_known():
    models = import_torchvision_models()
    known = set(architecture_index.names())
    assert {f"torchvision/{name}" for name in models.list_models(module=models)} <= known
    assert len(known) > 1400


def test_names_are_listed_without_any_framework():
    imported = "from model_adapters.pytorch.architecture_index import names"
    code = f"import sys; {imported}; assert names(); print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert found.strip() == "False"


@pytest.mark.long
def test_torchvision_comes_without_the_compiler_and_leaves_nothing_in_its_place():
    code = (
        "import sys; from model_adapters.pytorch.architectures import import_torchvision_models as load; load(); "
        "print([name for name in sys.modules if name.startswith('torch._dynamo')])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_a_network_for_gray_pictures_is_built():
    network = build("torchvision/mobilenet_v3_small", 5, channels=1).eval()
    assert network(torch.zeros(1, 1, 64, 64)).shape == (1, 5)
