"""From the tensors of a checkpoint to the blueprint of its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from model_adapters.pytorch import architecture_index as index
from model_adapters.pytorch.architecture_index import Architecture
from model_adapters.pytorch.architectures import build
from model_adapters.pytorch.finding import beside, chains, resnets, search, transformers
from model_adapters.pytorch.finding.blueprint import Blueprint
from model_adapters.pytorch.finding.endings import TRIED_CLASSES, Headless, ending_of, shapes_of
from model_adapters.pytorch.finding.families import Member
from model_adapters.pytorch.finding.heads import OwnHead
from model_adapters.pytorch.finding.looks import gray_look, look_of_index
from model_adapters.pytorch.finding.names import Names
from model_adapters.pytorch.finding.search import Found, Trunk
from xai_core.types import Head

Tensors = Mapping[str, Any]
FAMILY_STEMS = ("conv_proj.weight", "patch_embed.proj.weight", "conv1.weight")
CHEXNET_CLASSES = 14
SIGMOID = (
    "This is a DenseNet-121 with 14 outputs at the start of a sequence, as in CheXNet: every output is read through a "
    "sigmoid, so that several findings can be present at once."
)


def of_index(names: Names, tensors: Tensors) -> Blueprint | None:
    """Return the blueprint of a network of the index, with its head; None if there is none."""
    networks = search.find_networks(names)
    return _of_found(networks[0], networks[1:], names, tensors) if networks else None


def of_architecture(names: Names, tensors: Tensors, chosen: Architecture) -> Blueprint | None:
    """Return the blueprint of a chosen architecture behind any prefix, None if the tensors do not fit."""
    if found := search.find_as(names, chosen):
        return _of_found(found, [], names, tensors)
    trunks = [trunk for trunk in search.find_trunks(names) if chosen in trunk.architectures]
    plans = (_of_trunk(replace(trunk, architectures=(chosen,)), names, tensors) for trunk in trunks)
    return next((plan for plan in plans if plan), None)


def of_trunk(names: Names, tensors: Tensors) -> Blueprint | None:
    """Return the blueprint of a network of the index with a head of its own, None if there is none."""
    plans = (_of_trunk(trunk, names, tensors) for trunk in search.find_trunks(names))
    return next((plan for plan in plans if plan), None)


def of_family(names: Names, tensors: Tensors, heads: int | None = None) -> Blueprint | None:
    """Return the blueprint of a network of a family in a size of its own. heads: of attention; None to infer them."""
    for prefix in sorted(names.prefixes(FAMILY_STEMS), key=search.is_average):
        under = names.under(prefix)
        own = {name: tensors[prefix + name] for name in under}
        for member in (transformers.read(under, own, heads), resnets.read(under)):
            if member and (plan := _of_member(member, prefix, names, tensors)):
                return plan
    return None


def _of_found(found: Found, others: list[Found], names: Names, tensors: Tensors) -> Blueprint:
    match, name = found.match, found.match.architecture.name
    look = look_of_index(match.architecture, match.channels, match.classes)
    chexnet = _is_chexnet(found)
    plan = Blueprint(
        name=name,
        prefix=found.prefix,
        build=lambda: build(name, match.classes, match.channels),
        names=found.names,
        classes=match.classes,
        channels=match.channels,
        look=look.preprocessing,
        reason=look.reason,
        look_known=look.known,
        fixed_size=match.architecture.fixed_size,
        head="sigmoid" if chexnet else _head(match.classes),
        notes=(*_equal_note(match.others), *((SIGMOID,) if chexnet else ()), *_copies_note(found, others)),
        choices=(*match.others, *map(_choice, others)),
    )
    return _with_rest(plan, names, tensors, {name for other in others for name in other.names.values()})


def _of_trunk(trunk: Trunk, names: Names, tensors: Tensors) -> Blueprint | None:
    architecture, *others = trunk.architectures
    name = architecture.name
    channels = trunk.shapes[architecture.stem][1] if architecture.stem else 3
    headless = Headless(
        trunk.prefix,
        trunk.shapes,
        lambda classes, inputs: build(name, classes, inputs),
        architecture.head,
        channels,
        architecture.declared.height,
    )
    ending = ending_of(headless, names)
    if ending is None:
        return None
    look = look_of_index(architecture, channels, ending.classes)
    equal = tuple(other.name for other in others)
    plan = Blueprint(
        name=name,
        prefix=trunk.prefix,
        build=ending.build,
        names={**_files(trunk.shapes, trunk.prefix), **ending.names},
        classes=ending.classes,
        channels=channels,
        look=look.preprocessing,
        reason=look.reason,
        look_known=look.known,
        fixed_size=architecture.fixed_size,
        head=_head(ending.classes),
        notes=(*_equal_note(equal), *ending.notes),
        choices=equal,
    )
    return _with_rest(plan, names, tensors, set())


def _of_member(member: Member, prefix: str, names: Names, tensors: Tensors) -> Blueprint | None:
    reference = shapes_of(lambda: member.build(TRIED_CLASSES, member.channels))
    parts = index.parts_without_head(reference, (member.head,))
    trunk = {name: shape for name, shape in names.under(prefix).items() if index.first_part(name) in parts}
    if trunk != {name: shape for name, shape in reference.items() if index.first_part(name) in parts}:
        return None
    head = tuple(name for name in (member.head, member.head.replace(".weight", ".bias")) if name in reference)
    ending = ending_of(Headless(prefix, trunk, member.build, head, member.channels, member.look.height), names)
    if ending is None:
        return None
    look = gray_look(member.look, member.reason, ending.classes, member.fixed_size)
    plan = Blueprint(
        name=member.name,
        prefix=prefix,
        build=ending.build,
        names={**_files(trunk, prefix), **ending.names},
        classes=ending.classes,
        channels=member.channels,
        look=look.preprocessing,
        reason=look.reason,
        look_known=look.known,
        fixed_size=member.fixed_size,
        head=_head(ending.classes),
        notes=(*member.notes, *ending.notes),
        choices=member.choices,
    )
    return _with_rest(plan, names, tensors, set())


def _with_rest(plan: Blueprint, names: Names, tensors: Tensors, elsewhere: set[str]) -> Blueprint:
    """Add what lies beside the network: a normalisation in front, a further head behind, a note about the rest.

    elsewhere: the names of tensors of other networks in the file.
    """
    used = {*plan.names.values(), *elsewhere}
    layer = beside.normalisation(tensors, used, plan.channels)
    rest = beside.left_over(names, {*used, *(layer.names if layer else ())}, plan.prefix)
    plan = beside.with_normalisation(plan, layer)
    steps = chains.read_chain({name: names.shapes[name] for name in rest}) if rest else None
    if steps and chains.widths(steps)[0] == plan.classes > 1:
        return _longer(plan, OwnHead("1", "", steps), {name: names.shapes[name] for name in rest})
    return replace(plan, notes=(*plan.notes, *beside.left_over_note(rest)))


def _longer(plan: Blueprint, head: OwnHead, shapes: index.Shapes) -> Blueprint:
    """Return the network followed by a head that takes its outputs, as if a layer was added behind a whole network."""
    before = plan.build

    def both() -> Any:
        return torch.nn.Sequential(before(), chains.build_chain(head.steps)[0])

    note = (
        f"The file holds a further head for the {plan.classes} outputs of {plan.name}, with {head.classes} classes. It "
        "is applied to them directly. If your model has an activation in between, export it as TorchScript or ONNX."
    )
    together = {**{f"0.{name}": file for name, file in plan.names.items()}, **head.names(shapes)}
    notes = (*plan.notes, note, *([head.note()] if head.note() else []))
    return replace(plan, build=both, names=together, classes=head.classes, head=_head(head.classes), notes=notes)


def _files(shapes: index.Shapes, prefix: str) -> dict[str, str]:
    return {name: prefix + name for name in shapes}


def _is_chexnet(found: Found) -> bool:
    match = found.match
    return (
        match.classes == CHEXNET_CLASSES
        and match.architecture.name == "torchvision/densenet121"
        and found.names.get("classifier.weight", "").endswith("classifier.0.weight")
    )


def _head(classes: int) -> Head:
    return "sigmoid" if classes == 1 else "softmax"


def _equal_note(others: tuple[str, ...]) -> tuple[str, ...]:
    if not others:
        return ()
    few, more = ", ".join(others[:8]), f" and {len(others) - 8} more" if len(others) > 8 else ""
    return (f"The same weights would also fit {few}{more}. Choose one of them if the predictions look wrong.",)


def _copies_note(found: Found, others: list[Found]) -> tuple[str, ...]:
    if not others:
        return ()
    listed = ", ".join(_place(other) for other in others[:3])
    return (
        f"The file holds {len(others) + 1} networks. {_place(found)} is used, not {listed}. To open another one, "
        f"choose it as the architecture: {_choice(others[0])}.",
    )


def _choice(found: Found) -> str:
    place = found.prefix.rstrip(".")
    return f"{found.match.architecture.name} in {place}" if place else found.match.architecture.name


def _place(found: Found) -> str:
    return found.prefix.rstrip(".")[:80] or "the one without a prefix"
