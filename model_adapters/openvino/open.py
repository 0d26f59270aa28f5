"""Open TensorFlow Lite files and frozen graphs, and find by trial what they leave open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.output_shapes import Shape
from model_adapters.common.probes import agree, meaning, trials
from model_adapters.common.score_outputs import NOTE, asking, described, distinct, side_by_side
from model_adapters.engines.openvino import openvino
from model_adapters.openvino.network import Graph, OpenVinoNetwork
from model_adapters.openvino.reading import ASSUMED, ReadFile, read
from xai_core.errors import UnsupportedModel
from xai_core.scores import squashed
from xai_core.types import OF_CLASSIFIERS, Capability, Card, FileKind, Floats, Head, InputSpec, ModelSource

FORWARDS = (
    "a graph in this format only runs forwards. Use the model's Keras file, or a method that needs predictions only."
)
STOPPED = "The model stopped with an error when it was shown a picture of {side} x {side} pixels."
HEADS: dict[str, Head] = {"Softmax": "softmax", "Sigmoid": "sigmoid"}
UNEVEN = 0.05  # how far a softmax that is computed in steps of 1/256 may be from adding up to 1


def load(source: ModelSource, kind: FileKind, scratch: str) -> OpenVinoNetwork:
    """Open a classifier; if several outputs may hold its scores and none is chosen, the network gives all of them."""
    file = read(source.path, kind, scratch)
    file = replace(file, spec=_with_batch(file))
    graph = _graph(file, file.model)
    inputs = trials(file.spec, ASSUMED)
    answers = _answers(file, graph, inputs)
    names = distinct(answers) if len(answers) > 1 else tuple(answers)
    if chosen := OutputChoice.from_text(source.reading).output:
        names = (OutputChoice(output=chosen).among(answers),)
    if len(names) > 1:
        return _undecided(file, graph, answers, names, kind)
    network = _explained(file, file.names.index(names[0]), inputs, answers[names[0]], kind)
    if len(file.names) > 1:
        note = NOTE.format(count=len(file.names), name=names[0][:40])
        network.card = replace(network.card, notes=(*network.card.notes, note))
    return network


def _explained(
    file: ReadFile, at: int, inputs: list[Floats], expected: list[Floats], kind: FileKind
) -> OpenVinoNetwork:
    """Return the network of one output, without its last softmax or sigmoid if that can be removed."""
    whole = _graph(file, openvino.Model([file.model.outputs[at]], file.model.get_parameters()), at)
    head, model = _without_head(file, at)
    rows = whole
    if head and model is not None and not file.numbers[at].whole:
        cut = _graph(file, model, at)
        if agree([squashed(cut(each)[0], head) for each in inputs], expected, 1e-4):
            rows = cut
    fields = meaning([rows(each)[0] for each in inputs], rows is not whole, head)
    if rows is whole and _is_softmax_in_steps(expected):
        fields = {"gives": "probability", "head": "softmax", "head_known": True}
    card = replace(_card(file, kind, expected[0].shape[1]), **fields)
    return OpenVinoNetwork(card, lambda batch: rows(batch)[0])


def _is_softmax_in_steps(expected: list[Floats]) -> bool:
    rows = np.concatenate(expected)
    return rows.shape[1] > 1 and rows.min() >= 0 and bool((np.abs(rows.sum(1) - 1) < UNEVEN).all())


def _undecided(
    file: ReadFile, graph: Graph, answers: dict[str, list[Floats]], names: tuple[str, ...], kind: FileKind
) -> OpenVinoNetwork:
    """Return a network that gives all outputs which may hold the class scores, side by side."""
    shapes = {name: answers[name][0].shape for name in answers}
    card = asking(_card(file, kind, 0), described(answers, names, shapes))
    places = [file.names.index(name) for name in names]
    return OpenVinoNetwork(card, lambda batch: side_by_side([graph(batch)[at] for at in places]))


def _card(file: ReadFile, kind: FileKind, classes: int) -> Card:
    return Card(
        framework="openvino",
        format=kind.format,
        classes=classes,
        input=file.spec,
        capabilities=Capability.PREDICT,
        missing={name.name or "": FORWARDS for name in OF_CLASSIFIERS & ~Capability.PREDICT},
        hint=file.hint,
        hint_reason=file.hint_reason,
    )


def _graph(file: ReadFile, model: Any, at: int | None = None) -> Graph:
    numbers = file.numbers if at is None else (file.numbers[at],)
    return Graph(model, file.spec, file.number, numbers)


def _answers(file: ReadFile, graph: Graph, inputs: list[Floats]) -> dict[str, list[Floats]]:
    """Return the rows (N, K) of each output that may hold scores, by name."""
    batch = file.spec.batch
    try:
        outputs = [graph(each if batch is None else np.resize(each, (batch, *each.shape[1:]))) for each in inputs]
    except RuntimeError as error:
        raise UnsupportedModel(STOPPED.format(side=ASSUMED)) from error
    return {file.names[at]: [parts[at].reshape(len(parts[at]), -1) for parts in outputs] for at in file.score_rows}


def _with_batch(file: ReadFile) -> InputSpec:
    """Return the input, its batch free if the graph answers two pictures at once as it answers each alone."""
    spec = file.spec
    if spec.batch != 1:
        return spec
    alone, free = _graph(file, file.model.clone()), replace(spec, batch=None)
    pictures = trials(spec, ASSUMED)[1]
    try:
        together = _graph(replace(file, spec=free), _reshaped(file.model.clone(), free))(pictures)
        single = [alone(picture[None]) for picture in pictures]
        apart = [np.concatenate([answer[at] for answer in single]) for at in range(len(file.names))]
        if not agree(list(together), apart, 1e-5):
            return spec
        _reshaped(file.model, free)
    except (RuntimeError, ValueError):
        return spec
    return free


def _reshaped(model: Any, spec: InputSpec) -> Any:
    sides: Shape = (spec.height, spec.width)
    sizes = (None, *sides, spec.channels) if spec.layout == "NHWC" else (None, spec.channels, *sides)
    model.reshape([-1 if size is None else size for size in sizes])
    return model


def _without_head(file: ReadFile, at: int) -> tuple[Head | None, Any]:
    """Return the softmax or sigmoid that an output ends in, and the graph without it."""
    node = file.model.outputs[at].get_node().input_value(0).get_node()
    head = HEADS.get(node.get_type_name())
    if head is None:
        return None, None
    return head, openvino.Model([node.input_value(0)], file.model.get_parameters())
