"""From the tensors of a file to a classifier: known networks behind any prefix, or the one that you choose."""

from __future__ import annotations

import re
from typing import Any

import torch

from model_adapters.common.probes import noise
from model_adapters.common.segmentation import SEGMENTATION
from model_adapters.pytorch import architecture_index, files
from model_adapters.pytorch.answers import DETECTOR
from model_adapters.pytorch.architecture_index import Architecture
from model_adapters.pytorch.architectures import build, filled
from model_adapters.pytorch.files import Tensors
from model_adapters.pytorch.finding import plans, transformers
from model_adapters.pytorch.finding.blueprint import Blueprint
from model_adapters.pytorch.finding.endings import shapes_of
from model_adapters.pytorch.finding.flat import flat_tensors
from model_adapters.pytorch.finding.names import Names
from model_adapters.pytorch.finding.search import find_trunks
from model_adapters.pytorch.network import TorchNetwork
from xai_core.errors import ChooseArchitecture, ModelError, TryAsDetector, TryAsSegmenter, UnsupportedModel
from xai_core.network import Network
from xai_core.preprocessing import MOST_BANDS
from xai_core.types import Capability, Card, FileKind, InputSpec, ModelSource

DETECTOR_NAMES = re.compile(r"(^|\.)(rpn|roi_heads|head\.classification_head|transformer\.decoder|bbox_embed)\.")
SEGMENTATION_NAMES = re.compile(r"(^|\.)(aux_classifier|classifier\.low_classifier|decode_head|segmentation_head)\.")
EXPORT = (
    "export the whole model: "
    "torch.jit.trace(model.eval(), torch.rand(1, 3, 224, 224), check_trace=False).save('model.pt') for TorchScript, or "
    "torch.onnx.export(model.eval(), (torch.rand(1, 3, 224, 224),), 'model.onnx') for ONNX, with your input size."
)
UNKNOWN = (
    "These weights match no network of torchvision or timm, and a state dict contains no network. "
    "Choose the architecture if it is one of them, such as torchvision/resnet18, add the Python code that defines it "
    f"(model.py), or {EXPORT}"
)
HEADS = (
    "This is a VisionTransformer, and its weights do not show how many attention heads it has. Choose the architecture "
    "vit/N_heads with the number that you trained with, such as vit/4_heads."
)


def from_weights(content: Any, source: ModelSource, kind: FileKind, way_out: UnsupportedModel | None = None) -> Network:
    """Return the classifier whose weights `content` holds, nested or not; UnsupportedModel if it is not known.

    way_out: raised if the weights match no network at all, None for the usual error.
    """
    tensors = flat_tensors(content)
    if not tensors:
        raise UnsupportedModel(files.NO_WEIGHTS)
    names = Names({name: tuple(t.shape) for name, t in tensors.items() if t.is_floating_point()})
    plan = _chosen(names, tensors, source.architecture) if source.architecture else _found(names, tensors, way_out)
    return _network(plan, tensors, kind)


def _found(names: Names, tensors: Tensors, way_out: UnsupportedModel | None) -> Blueprint:
    if plan := plans.of_index(names, tensors):
        return plan
    if other := _other_task(names):
        raise other
    plan = plans.of_trunk(names, tensors) or plans.of_family(names, tensors)
    return plan or _unknown(names, tensors, way_out)


def _chosen(names: Names, tensors: Tensors, choice: str) -> Blueprint:
    name, _, place = choice.partition(" in ")
    if place:
        names = Names({key: shape for key, shape in names.shapes.items() if key.startswith(f"{place}.")})
    if heads := transformers.chosen_heads(name):
        plan = plans.of_family(names, tensors, heads)
        if plan is None:
            raise ChooseArchitecture(
                f"These weights do not fit a VisionTransformer with {heads} attention heads. Choose the number that "
                "you trained with, such as vit/4_heads."
            )
        return plan
    chosen = architecture_index.named(name)
    if chosen is None:
        raise ChooseArchitecture(
            f"The architecture {name[:80]!r} is not known. Known names look like torchvision/resnet18."
        )
    plan = plans.of_architecture(names, tensors, chosen)
    if plan is None:
        raise ChooseArchitecture(_mismatch(names, chosen))
    return plan


def _unknown(names: Names, tensors: Tensors, way_out: UnsupportedModel | None) -> Blueprint:
    if plans.of_family(names, tensors, heads=1):
        raise ChooseArchitecture(HEADS)
    trunk = next(iter(find_trunks(names)), None)
    if trunk is None:
        raise way_out or ChooseArchitecture(UNKNOWN)
    architecture, rest = trunk.architectures[0], len(names.shapes) - len(trunk.shapes)
    raise ChooseArchitecture(
        f"The file holds {architecture.name} without a last layer that fits it: {len(trunk.shapes)} tensors are of "
        f"that network, {rest} {'is' if rest == 1 else 'are'} not. Choose the architecture if it is another one, or "
        f"{EXPORT}"
    )


def _network(plan: Blueprint, tensors: Tensors, kind: FileKind) -> Network:
    if not 1 <= plan.channels <= MOST_BANDS:
        raise UnsupportedModel(f"The network takes {plan.channels} channels; a picture has 1 to {MOST_BANDS}.")
    height, width = (plan.look.height, plan.look.width) if plan.fixed_size else (None, None)
    card = Card(
        framework="pytorch",
        format=kind.format,
        classes=plan.classes,
        input=InputSpec(height, width, plan.channels),
        capabilities=Capability.PREDICT | Capability.GRADIENT,
        head=plan.head,
        architecture=plan.name,
        hint=plan.look,
        hint_reason=plan.reason,
        hint_known=plan.look_known,
        notes=(*kind.notes, *plan.notes),
        choices=plan.choices,
    )
    weights = {name: tensors[file].float() for name, file in plan.names.items() if tensors[file].is_floating_point()}
    return fastest(filled(plan.build(), weights), card, plan.look.height)


def fastest(module: Any, card: Card, side: int) -> TorchNetwork:
    """Return the network, in NHWC if the module supports it; `side` stands in for a free size. It has run once."""
    sample = noise(card.input, 1, side)
    try:
        network = TorchNetwork(module, card, channels_last=True)
        network.forward(sample)
    except ModelError:
        network = TorchNetwork(module.to(memory_format=torch.contiguous_format), card)
        network.forward(sample)
    network.look_inside(side)
    return network


def _mismatch(names: Names, chosen: Architecture) -> str:
    wanted = shapes_of(lambda: build(chosen.name, 1000))
    prefixes = [*names.prefixes(set(wanted))] or [""]
    shapes = max((names.under(prefix) for prefix in prefixes), key=lambda under: len(under.keys() & wanted.keys()))
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


def _other_task(names: Names) -> UnsupportedModel | None:
    """Return the error for weights of a network that is no classifier, None if they may be of one."""
    if any(map(DETECTOR_NAMES.search, names.shapes)):
        return TryAsDetector(DETECTOR)
    segments = any(map(SEGMENTATION_NAMES.search, names.shapes))
    return TryAsSegmenter(SEGMENTATION) if segments or _is_dense(names) else None


def _is_dense(names: Names) -> bool:
    """Whether a classifier of convolutions stands beside a backbone."""
    heads = [name for name, shape in names.shapes.items() if len(shape) == 4 and ".classifier." in f".{name}"]
    places = {name[: f".{name}".index(".classifier.")] for name in heads}
    return any(names.under(f"{place}backbone.") for place in places)
