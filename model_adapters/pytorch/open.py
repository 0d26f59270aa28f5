"""Open PyTorch files: weights of known architectures, TorchScript, and pickles if they are trusted."""

from __future__ import annotations

import torch

from model_adapters.pytorch import files, hub, script
from model_adapters.pytorch.weights import from_weights
from xai_core.types import FileKind, ModelSource, Network


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network:
    """Open a PyTorch file; RefusedModel or UnsupportedModel if it is unsafe, damaged or no classifier."""
    if kind.format == "safetensors":
        return from_weights(files.read_safetensors(source.path), source, kind)
    if kind.format == "torch-weights":
        return from_weights(files.read(source.path), source, kind)
    if kind.format == "torch-hub":
        return hub.load(source, kind, scratch)
    if kind.format == "torchscript":
        return script.load(source.path, kind)
    return _from_trusted(source, kind)


def _from_trusted(source: ModelSource, kind: FileKind) -> Network:
    if kind.format == "torch-export":
        return script.exported(*files.read_exported(source.path), kind)
    content = files.read(source.path, trusted=True)
    if isinstance(content, torch.nn.Module):
        return script.probed(content, kind)
    return from_weights(content, source, kind)
