"""Open PyTorch files: weights of known architectures, TorchScript, and pickles if they are trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from model_adapters.common.probes import noise
from model_adapters.pytorch import architecture_index, files, script
from model_adapters.pytorch.answers import DETECTOR, SEGMENTATION
from model_adapters.pytorch.architecture_index import Architecture, Match, Shapes
from model_adapters.pytorch.architectures import build, filled
from model_adapters.pytorch.files import Tensors
from model_adapters.pytorch.network import TorchNetwork
from xai_core.errors import ModelError, TryAsDetector, UnsupportedModel
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability, Card, FileKind, InputSpec, ModelSource, Network

DETECTOR_NAMES = ("rpn.", "roi_heads.", "head.classification_head.", "transformer.decoder.", "bbox_embed.")
SEGMENTATION_NAMES = ("aux_classifier.", "classifier.low_classifier.", "decode_head.")
UNKNOWN = (
    "These weights match no network of torchvision or timm, and a state dict contains no network. "
    "Choose the architecture if it is one of them, or export the whole model: "
    "torch.jit.trace(model.eval(), torch.rand(1, 3, 224, 224), check_trace=False).save('model.pt') for TorchScript, or "
    "torch.onnx.export(model.eval(), (torch.rand(1, 3, 224, 224),), 'model.onnx') for ONNX, with your input size."
)


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network:
    """Open a PyTorch file; RefusedModel or UnsupportedModel if it is unsafe, damaged or no classifier."""
    if kind.format == "safetensors":
        return _from_weights(files.read_safetensors(source.path), source, kind)
    if kind.format == "torch-weights":
        return _from_weights(files.read(source.path), source, kind)
    if kind.format == "torchscript":
        return script.load(source.path, kind)
    return _from_trusted(source, kind)


def _from_weights(content: Any, source: ModelSource, kind: FileKind) -> Network:
    tensors = files.state_dict(content)
    if source.architecture:
        return _as_chosen(tensors, source.architecture, kind)
    for bare in _readings(tensors):
        if match := architecture_index.find(_shapes(bare)):
            return _network(bare, match, kind)
    raise _other_task(tensors) or UnsupportedModel(UNKNOWN)


def _as_chosen(tensors: Tensors, name: str, kind: FileKind) -> Network:
    chosen = architecture_index.named(name)
    if chosen is None:
        raise UnsupportedModel(
            f"The architecture {name[:80]!r} is not known. Known names look like torchvision/resnet18."
        )
    for bare in _readings(tensors):
        if match := architecture_index.fit(_shapes(bare), chosen):
            return _network(bare, match, kind)
    *_, bare = files.without_prefixes(tensors)
    raise UnsupportedModel(_mismatch(_shapes(bare), chosen))


def _readings(tensors: Tensors) -> Iterator[Tensors]:
    """Yield the tensors under each set of names that the network may use."""
    bare = list(files.without_prefixes(tensors))
    yield from bare
    yield from ({architecture_index.plain_head_name(n, names): t for n, t in names.items()} for names in bare)


def _network(tensors: Tensors, match: Match, kind: FileKind) -> Network:
    architecture = match.architecture
    if match.channels not in (1, 3):
        raise UnsupportedModel(f"The network takes {match.channels} channels; a picture has 3, or 1 where it is gray.")
    look = architecture.declared if match.channels == 3 else replace(architecture.declared, channels="gray")
    height, width = (look.height, look.width) if architecture.fixed_size else (None, None)
    card = Card(
        framework="pytorch",
        format=kind.format,
        classes=match.classes,
        input=InputSpec(height, width, match.channels),
        capabilities=Capability.PREDICT | Capability.GRADIENT,
        head="sigmoid" if match.classes == 1 else "softmax",
        architecture=architecture.name,
        hint=look,
        hint_reason=f"{architecture.name} was trained with it.",
        notes=(*kind.notes, *_notes(match)),
    )
    module = filled(build(architecture.name, match.classes, match.channels), tensors)
    return _fastest(module, card, look)


def _fastest(module: Any, card: Card, look: Preprocessing) -> TorchNetwork:
    """Return the network, in NHWC if the module supports it; either way it has run once."""
    sample = noise(card.input, 1, look.height)
    try:
        network = TorchNetwork(module, card, channels_last=True)
        network.forward(sample)
    except ModelError:
        network = TorchNetwork(module.to(memory_format=torch.contiguous_format), card)
        network.forward(sample)
    network.look_inside(look.height)
    return network


def _notes(match: Match) -> tuple[str, ...]:
    if not match.others:
        return ()
    few, more = ", ".join(match.others[:8]), f" and {len(match.others) - 8} more" if len(match.others) > 8 else ""
    return (f"The same weights would also fit {few}{more}. Choose one of them if the predictions look wrong.",)


def _mismatch(shapes: Shapes, chosen: Architecture) -> str:
    with torch.device("meta"):
        wanted = _shapes(build(chosen.name, 1000).state_dict())
    open_ones = {*chosen.head, chosen.stem}
    parts = [f"{name[:80]} is missing" for name in wanted if name not in shapes]
    parts += [
        f"{name[:80]} has the shape {shapes[name]} instead of {shape}"
        for name, shape in wanted.items()
        if name not in open_ones and shapes.get(name, shape) != shape
    ]
    parts += [f"{name[:80]} is not part of it" for name in shapes if name not in wanted]
    more = f"; and {len(parts) - 3} more" if len(parts) > 3 else ""
    return f"The weights do not fit {chosen.name}: {'; '.join(parts[:3])}{more}. Choose the network they belong to."


def _other_task(tensors: Tensors) -> UnsupportedModel | None:
    """Return the error for weights of a network that is no classifier, None if they may be of one."""
    *_, bare = files.without_prefixes(tensors)
    if any(name.startswith(DETECTOR_NAMES) for name in bare):
        return TryAsDetector(DETECTOR)
    dense = any(name.startswith("classifier.") and tensor.dim() == 4 for name, tensor in bare.items())
    on_backbone = dense and any(name.startswith("backbone.") for name in bare)
    segments = on_backbone or any(name.startswith(SEGMENTATION_NAMES) for name in bare)
    return UnsupportedModel(SEGMENTATION) if segments else None


def _shapes(tensors: Tensors) -> dict[str, tuple[int, ...]]:
    return {name: tuple(t.shape) for name, t in tensors.items() if t.is_floating_point()}


def _from_trusted(source: ModelSource, kind: FileKind) -> Network:
    if kind.format == "torch-export":
        return script.exported(*files.read_exported(source.path), kind)
    content = files.read(source.path, trusted=True)
    if isinstance(content, torch.nn.Module):
        return script.probed(content, kind)
    return _from_weights(content, source, kind)
