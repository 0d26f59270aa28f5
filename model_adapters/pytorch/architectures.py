"""Build networks of torchvision and timm by name, without weights."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import torch

from model_adapters.pytorch.architecture_index import counts
from xai_core.errors import UnsupportedModel

COMPILER = "torch._dynamo.utils"
WITH_AUXILIARY = ("googlenet", "inception_v3")


def build(name: str, classes: int, channels: int = 3) -> Any:
    """Return an nn.Module for a name such as "torchvision/resnet18", with `classes` outputs."""
    library, _, plain = name.partition("/")
    if library == "timm":
        return import_timm().create_model(plain, pretrained=False, num_classes=classes, in_chans=channels)
    options: dict[str, Any] = {"weights": None, "num_classes": classes}
    if plain in WITH_AUXILIARY:
        options |= {"aux_logits": False, "init_weights": False, "transform_input": True}
    module = import_torchvision_models().get_model(plain, **options)
    if channels != 3:
        _set_channels(module, channels)
    return module


def filled(module: Any, tensors: dict[str, Any]) -> Any:
    """Return the module with its weights replaced; counters and derived buffers are kept as built."""
    weights = {name: t for name, t in tensors.items() if t.is_floating_point() and counts(name)}
    module.load_state_dict(weights, strict=False, assign=True)
    return module


def import_torchvision_models() -> Any:
    """Import torchvision.models without PyTorch's compiler.

    torchvision only asks the compiler whether it could compile one detection operator; loading it just for that
    takes several seconds and 200 MB.
    """
    if COMPILER in sys.modules or "torchvision" in sys.modules:
        return importlib.import_module("torchvision.models")
    stand_in: Any = ModuleType(COMPILER)
    stand_in.is_compile_supported = lambda device: False
    sys.modules[COMPILER] = stand_in
    try:
        return importlib.import_module("torchvision.models")
    except ImportError:
        del sys.modules[COMPILER]
        return importlib.import_module("torchvision.models")
    finally:
        if sys.modules.get(COMPILER) is stand_in:
            del sys.modules[COMPILER]


def import_timm() -> Any:
    """Import timm; UnsupportedModel if it is not installed."""
    import_torchvision_models()
    try:
        return importlib.import_module("timm")
    except ImportError:
        raise UnsupportedModel("This is an architecture of timm, which is not installed on this server.") from None


def _set_channels(module: Any, channels: int) -> None:
    parent, key, conv = next(
        (parent, key, child)
        for parent in module.modules()
        for key, child in parent.named_children()
        if isinstance(child, torch.nn.Conv2d)
    )
    sizes: Any = {"stride": conv.stride, "padding": conv.padding, "bias": conv.bias is not None}
    setattr(parent, key, torch.nn.Conv2d(channels, conv.out_channels, conv.kernel_size, **sizes))
