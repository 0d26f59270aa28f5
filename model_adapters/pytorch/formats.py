"""One way to open each format of PyTorch files, whatever the network does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch.nn import Module

from model_adapters.pytorch import files
from model_adapters.pytorch.checkpoint import reading
from model_adapters.pytorch.checkpoint.reading import Checkpoint
from xai_core.types import FileKind, ModelSource

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class Formats(Generic[Opened]):
    """How a kind of network is opened from what a file holds.

    weights: tensors by name. checkpoint: weights with what else was saved. folder: of a hub, with the private folder to
    work in. script: a TorchScript file. exported: a torch.export file. module: a module that came with its code.
    """

    weights: Callable[[Any, ModelSource, FileKind], Opened]
    checkpoint: Callable[[Checkpoint, ModelSource, FileKind], Opened]
    folder: Callable[[ModelSource, FileKind, str], Opened]
    script: Callable[[ModelSource, FileKind], Opened]
    exported: Callable[[ModelSource, FileKind], Opened]
    module: Callable[[Any, ModelSource, FileKind], Opened]

    def load(self, source: ModelSource, kind: FileKind, scratch: str) -> Opened:
        """Open a file by its format; RefusedModel or UnsupportedModel if it is unsafe, damaged or of another kind."""
        if kind.format == "safetensors":
            return self.weights(files.read_safetensors(source.path), source, kind)
        if kind.format == "torch-weights":
            return self.checkpoint(reading.read(source.path), source, kind)
        if kind.format == "torch-hub":
            return self.folder(source, kind, scratch)
        if kind.format == "torchscript":
            return self.script(source, kind)
        if kind.format == "torch-export":
            return self.exported(source, kind)
        content = files.read_trusted(source.path)
        opener = self.module if isinstance(content, Module) else self.weights
        return opener(content, source, kind)
