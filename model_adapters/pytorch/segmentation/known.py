"""Recognise torchvision's segmentation networks by the names and shapes of their weights, and build them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from model_adapters.pytorch.architecture_index import counts
from model_adapters.pytorch.architectures import filled, import_torchvision_models
from model_adapters.pytorch.files import Tensors
from xai_core.errors import UnsupportedModel
from xai_core.preprocessing import Preprocessing

SIDE = 520  # pixels, as in torchvision's transforms for these networks
LOOK = Preprocessing(SIDE, SIDE, "squash", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
REASON = "{0} was trained with it; torchvision resizes the shorter side to 520 pixels and keeps the proportions."
LAST = {"deeplabv3": "classifier.4.weight", "fcn": "classifier.4.weight", "lraspp": "classifier.low_classifier.weight"}
BODIES = ("resnet50", "resnet101", "mobilenet_v3_large")
NETWORKS = tuple(
    f"{family}_{body}"
    for family, body in (
        *(("fcn", body) for body in BODIES[:2]),
        *(("deeplabv3", body) for body in BODIES),
        ("lraspp", BODIES[2]),
    )
)
ASIDE = "aux_classifier."
UNKNOWN = (
    "These weights match no known segmentation network, and a state dict contains no network. Known are "
    f"{', '.join(NETWORKS)} of torchvision. Export the whole model: "
    "torch.jit.trace(model.eval(), torch.rand(1, 3, 512, 512), strict=False).save('model.pt') for TorchScript, or ONNX."
)


def recognised(tensors: Tensors, choice: str | None) -> tuple[str, Any]:
    """Return the name and the module, with its weights, of a network in a file's tensors.

    choice: its name as chosen by the user, None to detect it. UnsupportedModel if it is not known.
    """
    wanted = [name for name in NETWORKS if choice in (None, name, f"torchvision/{name}")]
    for bare in _behind_prefixes(tensors):
        for name in wanted:
            if (module := _fitting(name, bare)) is not None:
                return name, filled(module, {key: tensor.float() for key, tensor in bare.items()})
    raise UnsupportedModel(UNKNOWN)


def _behind_prefixes(tensors: Tensors) -> Iterator[Tensors]:
    """Yield what stands behind each prefix of a backbone, without that prefix."""
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    ends = (f".{name}".find(".backbone.") for name in floats)
    prefixes = {name[:end] for name, end in zip(floats, ends, strict=True) if end >= 0}
    for prefix in sorted(prefixes, key=len):
        yield {name.removeprefix(prefix): tensor for name, tensor in floats.items() if name.startswith(prefix)}


def _fitting(name: str, tensors: Tensors) -> Any | None:
    """Return the empty module if these are its weights; an auxiliary classifier beside it is ignored."""
    last = tensors.get(LAST[name.partition("_")[0]])
    if last is None or last.dim() != 4:
        return None
    with torch.device("meta"):
        models = import_torchvision_models().segmentation
        module = getattr(models, name)(
            weights=None, weights_backbone=None, num_classes=int(last.shape[0]), **_plain(name)
        )
    wanted = _shapes(module.state_dict())
    own = _shapes({key: tensor for key, tensor in tensors.items() if not key.startswith(ASIDE)})
    return module.to_empty(device="cpu") if wanted == own else None


def _plain(name: str) -> dict[str, bool]:
    return {} if name.startswith("lraspp") else {"aux_loss": False}


def _shapes(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(tensor.shape) for name, tensor in tensors.items() if counts(name) and tensor.is_floating_point()
    }
