"""All tensors of a checkpoint under one name each, whatever they are nested in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from model_adapters.pytorch.files import Tensors, check_claim

DEEPEST = 6
MOST_PARTS = 64  # of a name
MOST_DIMENSIONS = 8
OF_TRAINING = ("optimizer", "optimizers", "optimizer_states", "optim", "opt", "lr_scheduler", "lr_schedulers", "scaler")
RENAMED = (
    (re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d)\."), r"\1\2."),  # torchvision before 0.3
    (re.compile(r"(encoder_layer_\d+\.mlp)\.linear_1\."), r"\1.0."),  # torchvision before 0.13
    (re.compile(r"(encoder_layer_\d+\.mlp)\.linear_2\."), r"\1.3."),
)


def flat_tensors(content: Any) -> Tensors:
    """Return the tensors of nested mappings under dotted names; old names of layers become today's.

    The state of an optimizer is left out, and a mapping that stands at several places is read at the first one only.
    RefusedModel if a tensor claims more values than are stored.
    """
    tensors = {_renamed(name): tensor.detach() for name, tensor in _walk(content, "", 0, set())}
    for name, tensor in tensors.items():
        check_claim(name, tensor)
    return tensors


def _walk(content: Any, prefix: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if not isinstance(content, Mapping) or depth > DEEPEST or id(content) in seen:
        return
    seen.add(id(content))
    for key, value in content.items():
        if not isinstance(key, str):
            continue
        name = f"{prefix}{key}"
        if isinstance(value, torch.Tensor):
            if value.dim() <= MOST_DIMENSIONS and name.count(".") < MOST_PARTS:
                yield name, value
        elif key not in OF_TRAINING:
            yield from _walk(value, f"{name}.", depth + 1, seen)


def _renamed(name: str) -> str:
    for old, new in RENAMED:
        name = old.sub(new, name)
    return name
