"""Open PyTorch files: weights of known architectures, TorchScript, folders of hubs, and pickles if they are trusted."""

from __future__ import annotations

from dataclasses import replace

from torch.nn import Module

from model_adapters.pytorch import files, script
from model_adapters.pytorch.checkpoint.reading import Checkpoint
from model_adapters.pytorch.formats import Formats
from model_adapters.pytorch.hugging_face import open as hugging_face
from model_adapters.pytorch.own_code import opening as own_code
from model_adapters.pytorch.weights import from_weights
from xai_core.network import Network
from xai_core.types import FileKind, ModelSource


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network:
    """Open a PyTorch file; RefusedModel or UnsupportedModel if it is unsafe, damaged or no classifier."""
    if source.code is not None:
        return own_code.load(source, source.code, kind, scratch)
    return FORMATS.load(source, kind, scratch)


def _from_checkpoint(checkpoint: Checkpoint, source: ModelSource, kind: FileKind) -> Network:
    noted = replace(kind, notes=(*kind.notes, *checkpoint.notes))
    network = from_weights(checkpoint.content, source, noted, checkpoint.way_out)
    network.card = checkpoint.named(network.card)
    return network


def _from_script(source: ModelSource, kind: FileKind) -> Network:
    return script.load(source.path, kind, source.reading)


def _from_export(source: ModelSource, kind: FileKind) -> Network:
    return script.exported(*files.read_exported(source.path), kind, source.reading)


def _from_module(module: Module, source: ModelSource, kind: FileKind) -> Network:
    return script.probed(module, kind, reading=source.reading)


FORMATS: Formats[Network] = Formats(
    from_weights, _from_checkpoint, hugging_face.load, _from_script, _from_export, _from_module
)
