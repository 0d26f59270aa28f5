"""VisionTransformers of any size, with the names of torchvision or timm.

Patch size, width, depth and picture size follow from the shapes. The number of attention heads does not: all numbers
that divide the width fit the same tensors. Training leaves a trace, though: the weights of one head grow alike. Where
the trace is clear it decides; otherwise a head has 64 values, as in nearly all published VisionTransformers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch

from model_adapters.pytorch.architecture_index import Shapes
from model_adapters.pytorch.architectures import import_timm, import_torchvision_models
from model_adapters.pytorch.finding.families import Member, look_of

USUAL_HEAD = 64
CHANCE = 1e-3  # a trace that is likelier than this without any heads does not count
MOST_HEADS, SMALLEST_HEAD = 64, 4
MOST_LAYERS = 100
HALF = (0.5, 0.5, 0.5)
CHOSEN = re.compile(r"vit/(\d{1,2})_heads?")


def chosen_heads(architecture: str | None) -> int | None:
    """Return 4 for "vit/4_heads", None for other names."""
    match = CHOSEN.fullmatch(architecture or "")
    return int(match[1]) if match else None


def choice(heads: int) -> str:
    """Return "vit/4_heads" for 4."""
    return f"vit/{heads}_head{'s' * (heads > 1)}"


def read(shapes: Shapes, tensors: Mapping[str, Any], heads: int | None = None) -> Member | None:
    """Return the VisionTransformer with these tensors, None if they are no such network.

    tensors: by the same names as shapes. heads: the number of attention heads; None to infer it.
    """
    return _of_torchvision(shapes, tensors, heads) or _of_timm(shapes, tensors, heads)


def _of_torchvision(shapes: Shapes, tensors: Mapping[str, Any], heads: int | None) -> Member | None:
    patch, positions = shapes.get("conv_proj.weight", ()), shapes.get("encoder.pos_embedding", ())
    layer = "encoder.layers.encoder_layer_{}."
    mlp = shapes.get(layer.format(0) + "mlp.0.weight", ())
    depth = _depth(shapes, layer + "ln_1.weight")
    if not (_is_square(patch) and len(positions) == 3 and len(mlp) == 2 and depth) or "class_token" not in shapes:
        return None
    width, channels, size, _ = patch
    side = _side(positions[1] - 1, size)
    pairs = [
        (layer.format(n) + "self_attention.in_proj_weight", layer.format(n) + "self_attention.out_proj.weight")
        for n in range(depth)
    ]
    count, notes = _heads(width, pairs, tensors, heads)
    if not side or not count:
        return None
    hidden = "heads.pre_logits.weight"
    options: dict[str, Any] = {
        "image_size": side, "patch_size": size, "num_layers": depth, "num_heads": count, "hidden_dim": width,
        "mlp_dim": mlp[0], "representation_size": shapes[hidden][0] if hidden in shapes else None,
    }  # fmt: skip

    def build(classes: int, inputs: int) -> Any:
        import_torchvision_models()
        from torchvision.models.vision_transformer import VisionTransformer

        module = VisionTransformer(**options, num_classes=classes)
        if inputs != 3:
            module.conv_proj = torch.nn.Conv2d(inputs, width, size, size)
        return module

    return _member(build, "heads.head.weight", (side, size, width, depth, count), channels, notes)


def _of_timm(shapes: Shapes, tensors: Mapping[str, Any], heads: int | None) -> Member | None:
    patch, positions = shapes.get("patch_embed.proj.weight", ()), shapes.get("pos_embed", ())
    mlp = shapes.get("blocks.0.mlp.fc1.weight", ())
    depth = _depth(shapes, "blocks.{}.norm1.weight")
    if not (_is_square(patch) and len(positions) == 3 and len(mlp) == 2 and depth):
        return None
    width, channels, size, _ = patch
    class_token = "cls_token" in shapes
    side = _side(positions[1] - class_token, size)
    pairs = [(f"blocks.{n}.attn.qkv.weight", f"blocks.{n}.attn.proj.weight") for n in range(depth)]
    count, notes = _heads(width, pairs, tensors, heads)
    if not side or not count:
        return None
    mean = "fc_norm.weight" in shapes
    options: dict[str, Any] = {
        "img_size": side, "patch_size": size, "embed_dim": width, "depth": depth, "num_heads": count,
        "mlp_ratio": mlp[0] / width, "class_token": class_token,
        "global_pool": "token" if class_token and not mean else "avg", "fc_norm": mean,
        "qkv_bias": "blocks.0.attn.qkv.bias" in shapes, "qk_norm": "blocks.0.attn.q_norm.weight" in shapes,
        "init_values": 1e-5 if "blocks.0.ls1.gamma" in shapes else None, "pre_norm": "norm_pre.weight" in shapes,
    }  # fmt: skip

    def build(classes: int, inputs: int) -> Any:
        import_timm()
        from timm.models.vision_transformer import VisionTransformer

        return VisionTransformer(**options, in_chans=inputs, num_classes=classes)

    return _member(build, "head.weight", (side, size, width, depth, count), channels, notes)


def _member(build: Any, head: str, sizes: tuple[int, ...], channels: int, notes: tuple[str, ...]) -> Member:
    side, size, width, depth, count = sizes
    return Member(
        name=f"VisionTransformer ({side} px, patches of {size}, width {width}, {depth} layers, {count} heads)",
        build=build,
        head=head,
        channels=channels,
        look=look_of(side, channels, HALF, HALF),
        reason=f"The positions are those of {side} px. The file does not say how values are scaled; -1..1 is usual.",
        fixed_size=True,
        notes=notes,
        choices=tuple(choice(n) for n in _possible(width) if n != count),
    )


def _is_square(patch: tuple[int, ...]) -> bool:
    return len(patch) == 4 and patch[2] == patch[3]


def _side(patches: int, size: int) -> int:
    """Return the side of the picture in pixels, 0 if the patches make no square."""
    side = math.isqrt(max(patches, 0))
    return side * size if side * side == patches else 0


def _depth(shapes: Shapes, name: str) -> int:
    return next((n for n in range(MOST_LAYERS) if name.format(n) not in shapes), MOST_LAYERS)


def _heads(
    width: int, pairs: list[tuple[str, str]], tensors: Mapping[str, Any], chosen: int | None
) -> tuple[int, tuple[str, ...]]:
    """Return the number of attention heads and how it was found; 0 if it cannot be."""
    possible = _possible(width)
    if chosen:
        return (chosen, ()) if width % chosen == 0 else (0, ())
    whole = [(tensors[first], tensors[second]) for first, second in pairs if first in tensors and second in tensors]
    if len(whole) < len(pairs) or any(tuple(first.shape) != (3 * width, width) for first, _ in whole):
        return 0, ()
    chances = {n: _chance(whole, width, n) for n in possible if n > 1}
    clearest = min(chances, key=lambda n: chances[n], default=0)
    usual = max(1, width // USUAL_HEAD) if width % USUAL_HEAD == 0 else 0
    if clearest and chances[clearest] < CHANCE:
        found, why = clearest, "the weights of each of these heads resemble each other"
    elif usual:
        found, why = usual, f"a head usually has {USUAL_HEAD} values"
    else:
        return 0, ()
    others = ", ".join(str(n) for n in possible if n != found)
    return found, (
        f"The shapes do not say how many attention heads the network has. {found} {'is' if found == 1 else 'are'} "
        f"assumed, because {why}; {others} would fit too. If you know better, choose the architecture vit/N_heads, "
        "such as vit/4_heads.",
    )


def _possible(width: int) -> list[int]:
    return [n for n in range(1, MOST_HEADS + 1) if width % n == 0 and width // n >= SMALLEST_HEAD]


def _chance(pairs: list[tuple[Any, Any]], width: int, heads: int) -> float:
    """Return how likely channels would differ this much between heads by chance.

    It is the p value of a one-way analysis of variance over all layers. A channel's strengths are the logs of the
    products of norms with which it enters attention: of query and key, and of value and output.
    """
    from scipy.special import fdtrc  # few files need it

    between = within = 0.0
    for joint, output in pairs:
        query, key, value = joint.float().view(3, width, width)
        for strength in (query.norm(dim=1) * key.norm(dim=1), value.norm(dim=1) * output.float().norm(dim=0)):
            groups = strength.clamp_min(1e-12).log().view(heads, -1)
            means = groups.mean(1, keepdim=True)
            between += float(((means - groups.mean()) ** 2).sum()) * groups.shape[1]
            within += float(((groups - means) ** 2).sum())
    free_between, free_within = 2 * len(pairs) * (heads - 1), 2 * len(pairs) * (width - heads)
    if not within > 0:
        return 1.0
    return float(fdtrc(free_between, free_within, between / free_between * free_within / within))
