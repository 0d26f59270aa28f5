"""A classifier of transformers behind the common interface."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from model_adapters.common.probes import noise
from model_adapters.pytorch.answers import SeveralOutputs, answer
from model_adapters.pytorch.hugging_face.building import built
from model_adapters.pytorch.hugging_face.folder import Folder
from model_adapters.pytorch.hugging_face.looks import Look, look_in
from model_adapters.pytorch.hugging_face.tasks import Opener
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.weights import fastest
from xai_core.errors import ModelError, UnsupportedModel
from xai_core.preprocessing import MOST_BANDS
from xai_core.types import Capability, Card, FileKind, Head, InputSpec

SCORES = "logits"
LONGEST_LABEL = 200
USUAL_SIDES = (224, 384, 256, 448, 512, 32)
FARTHER = 32  # pixels added to a size that works, to see whether it is free
DEFAULT_LABEL = "LABEL_{}"
NOT_PICTURES = "{name} takes {what} instead of pictures. Export the part that takes pictures as ONNX."


class Scores(torch.nn.Module):  # type: ignore[misc]
    """A network of transformers that returns its class scores alone."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Any) -> Any:
        return self.network(pictures)[SCORES]


def classifier(folder: Folder, opener: Opener, kind: FileKind) -> TorchNetwork:
    """Open a folder with an image classifier; UnsupportedModel if it is none, or if its weights do not fit."""
    module, notes = built(opener, folder.config, folder.content())
    takes = next(iter(inspect.signature(module.forward).parameters))
    if takes not in ("pixel_values", "inputs"):
        raise UnsupportedModel(NOT_PICTURES.format(name=opener.name, what=takes[:40]))
    channels = channels_of(module.config)
    look = look_in(folder, opener.model_type, channels)
    try:
        return finished(module, described(module, module.config, look, kind, notes), look)
    except SeveralOutputs:  # those of two heads, beside their mean
        return finished(Scores(module), described(Scores(module), module.config, look, kind, notes), look)


def described(module: Any, config: Any, look: Look, kind: FileKind, notes: tuple[str, ...]) -> Card:
    """Return the card of a module that gives rows of scores, except for what lies inside it."""
    spec, classes = tried(module, config, look)
    head, known = _head(config, classes)
    return Card(
        framework="pytorch",
        format=kind.format,
        classes=classes,
        input=spec,
        capabilities=Capability.PREDICT | Capability.GRADIENT,
        head=head,
        head_known=known,
        architecture=f"transformers/{type(getattr(module, 'network', module)).__name__}",
        labels=labels_of(config, classes),
        hint=look.preprocessing,
        hint_reason=look.reason if look.preprocessing else "",
        notes=(*kind.notes, *notes, *((look.reason,) if look.reason and not look.preprocessing else ())),
    )


def finished(module: Any, card: Card, look: Look) -> TorchNetwork:
    """Return the network around a module, with everything that can be seen inside it on the card."""
    side = card.input.height or (look.preprocessing.height if look.preprocessing else USUAL_SIDES[0])
    network = fastest(module, card, side)
    if network.card.token_grid and card.input.height is None:  # the grid is that of this size
        network.read_as(replace(network.card, input=replace(card.input, height=side, width=side)))
    return network


def channels_of(config: Any) -> int:
    """Return the number of channels that a network takes; UnsupportedModel if no picture has so many."""
    inner = getattr(config, "backbone_config", None) or config
    channels = getattr(config, "num_channels", None) or getattr(inner, "num_channels", None) or 3
    if not 1 <= channels <= MOST_BANDS:
        raise UnsupportedModel(f"The network takes {channels} channels; a picture has 1 to {MOST_BANDS}.")
    return int(channels)


def labels_of(config: Any, classes: int) -> tuple[str, ...]:
    """Return the names in id2label, none if they are missing, incomplete or only numbered."""
    names = getattr(config, "id2label", None)
    if not isinstance(names, Mapping) or set(names) != set(range(classes)):
        return ()
    if all(names[at] == DEFAULT_LABEL.format(at) for at in range(classes)):
        return ()
    return tuple(str(names[at])[:LONGEST_LABEL] for at in range(classes))


def _head(config: Any, classes: int) -> tuple[Head, bool]:
    """Return what turns logits into probabilities, and whether the folder, or transformers' own pipeline, says so."""
    stated: dict[str | None, Head] = {"regression": "none", "multi_label_classification": "sigmoid"}
    problem = getattr(config, "problem_type", None)
    if problem in stated:
        return stated[problem], True
    return ("softmax", True) if classes > 1 else ("sigmoid", False)


def tried(module: Any, config: Any, look: Look) -> tuple[InputSpec, int]:
    """Return the input of a module and the number of its classes, found by trial."""
    channels, failure = channels_of(config), None
    for height, width in _sizes(config, look):
        try:
            classes = _classes(module, InputSpec(height, width, channels))
        except UnsupportedModel:
            raise
        except ModelError as error:
            failure = failure or error
            continue
        free = _takes(module, InputSpec(height + FARTHER, width + FARTHER, channels), classes)
        return InputSpec(None, None, channels) if free else InputSpec(height, width, channels), classes
    raise failure or ModelError("The model takes no picture.")


def _sizes(config: Any, look: Look) -> Iterator[tuple[int, int]]:
    if look.preprocessing:
        yield look.preprocessing.height, look.preprocessing.width
    size = getattr(config, "image_size", None)
    if isinstance(size, int):
        yield size, size
    elif isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(side, int) for side in size):
        yield size[0], size[1]
    yield from ((side, side) for side in USUAL_SIDES)


def _classes(module: Any, spec: InputSpec) -> int:
    pictures = torch.from_numpy(noise(spec, 1)).permute(0, 3, 1, 2).contiguous()
    with torch.inference_mode():
        return int(answer(module, pictures).shape[1])


def _takes(module: Any, spec: InputSpec, classes: int) -> bool:
    try:
        return _classes(module, spec) == classes
    except ModelError:
        return False
