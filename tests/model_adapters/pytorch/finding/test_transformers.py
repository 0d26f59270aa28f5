"""VisionTransformers of any size are read from their shapes, and their heads from the trace of training."""

from __future__ import annotations

import pytest
import torch

from model_adapters.pytorch.finding import transformers


def of_torchvision():
    from torchvision.models.vision_transformer import VisionTransformer

    torch.manual_seed(0)
    module = VisionTransformer(
        image_size=28, patch_size=4, num_layers=2, num_heads=4, hidden_dim=32, mlp_dim=48, num_classes=5
    )
    return module.eval()


def of_timm(**options):
    from timm.models.vision_transformer import VisionTransformer

    torch.manual_seed(0)
    sizes = {"img_size": 28, "patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 4, "num_classes": 5}
    return VisionTransformer(**sizes | {"mlp_ratio": 1.5} | options).eval()


def read(module, heads=None):
    tensors = module.state_dict()
    return transformers.read({name: tuple(t.shape) for name, t in tensors.items()}, tensors, heads)


def check_same(module, heads):
    member = read(module, heads)
    made = member.build(5, 3)
    made.load_state_dict(module.state_dict())
    pictures = torch.randn(2, 3, 28, 28)
    torch.testing.assert_close(made.eval()(pictures), module(pictures))
    assert (member.look.height, member.fixed_size, member.channels) == (28, True, 3)


def test_a_small_one_of_torchvision_is_rebuilt():
    check_same(of_torchvision(), 4)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_token": False, "global_pool": "avg"},
        {"global_pool": "avg"},
        {"init_values": 1e-5, "qkv_bias": False},
        {"qk_norm": True},
    ],
)
def test_a_small_one_of_timm_is_rebuilt(options):
    check_same(of_timm(**options), 4)


def test_the_trained_one_has_the_heads_that_its_weights_show(assets):
    tensors = torch.load(assets / "models/torch/vit_mnist_torchvision.pth", weights_only=True)
    shapes = {name: tuple(t.shape) for name, t in tensors.items()}
    member = transformers.read(shapes, tensors)
    assert member.name == "VisionTransformer (28 px, patches of 4, width 64, 4 layers, 4 heads)"
    assert "4 are assumed, because the weights of each of these heads resemble each other" in member.notes[0]
    assert "1, 2, 8, 16 would fit too" in member.notes[0]
    assert member.choices == ("vit/1_head", "vit/2_heads", "vit/8_heads", "vit/16_heads")


def test_untrained_weights_show_no_heads_and_the_usual_width_decides():
    module = of_timm(embed_dim=128, num_heads=2)
    member = read(module)
    assert "2 heads" in member.name
    assert "a head usually has 64 values" in member.notes[0]


def test_without_trace_and_usual_width_nothing_is_guessed():
    assert read(of_timm()) is None


def test_chosen_heads_must_divide_the_width():
    assert read(of_timm(), 3) is None


@pytest.mark.parametrize(
    ("name", "heads"), [("vit/4_heads", 4), ("vit/1_head", 1), ("torchvision/vit_b_16", None), (None, None)]
)
def test_the_number_of_heads_is_read_from_a_choice(name, heads):
    assert transformers.chosen_heads(name) == heads


def test_positions_that_make_no_square_are_refused():
    tensors = of_timm().state_dict() | {"pos_embed": torch.zeros(1, 49, 32)}
    assert transformers.read({name: tuple(t.shape) for name, t in tensors.items()}, tensors, 4) is None
