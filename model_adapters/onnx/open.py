"""ONNX models through ONNX Runtime, with gradients through an equivalent PyTorch graph if one can be made."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import onnx

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.probes import agree, meaning, trials
from model_adapters.common.score_outputs import NOTE, Answers, asking, described, distinct, side_by_side
from model_adapters.engines.delegating import Delegating
from model_adapters.engines.openvino import Portable
from model_adapters.onnx import graph
from model_adapters.onnx.files import checked, placed
from model_adapters.onnx.free_batch import runnable
from model_adapters.onnx.session import Scores, Wiring, as_numbers, find_wiring
from model_adapters.onnx.twin import twin_or_reason
from xai_core.ends import End
from xai_core.network import Network
from xai_core.preprocessing import Preprocessing
from xai_core.scores import squashed
from xai_core.types import (
    OF_CLASSIFIERS,
    Capability,
    Card,
    FileKind,
    Floats,
    Head,
    Indices,
    ModelSource,
    Precision,
    Rule,
    Score,
)

BEYOND_SCORES = tuple(capability.name or "" for capability in OF_CLASSIFIERS & ~Capability.PREDICT)


class OnnxNetwork(Network):
    """An ONNX graph that gives scores only; `answers` returns raw outputs (N, K) for inputs (N, H, W, C)."""

    def __init__(self, card: Card, answers: Callable[[Floats], Floats], end: End | None = None) -> None:
        self.card = card
        self._answers, self._end = answers, end
        self.key = end.key if end else ""

    def forward(self, inputs: Floats) -> Floats:
        outputs = self._answers(inputs)
        return self._end.of(outputs) if self._end else outputs

    def ended(self, end: End) -> Network:
        return OnnxNetwork(self.card, self._answers, end)

    def portable(self, height: int, width: int) -> Portable | None:
        """Return the graph for other engines, for any size; None if it runs on a GPU or belongs to a copy."""
        scores = self._answers
        if not isinstance(scores, Scores) or scores.on_gpu:
            return None
        wiring = scores.wiring
        return Portable(scores.graph, output=wiring.output, dtype=wiring.dtype, batched=wiring.batched, end=self._end)


class TwinnedNetwork(OnnxNetwork, Delegating):
    """An ONNX graph with its twin, the same graph in PyTorch, for everything that the runtime cannot do."""

    def __init__(
        self,
        card: Card,
        answers: Callable[[Floats], Floats],
        twin: Network,
        wiring: Wiring,
        end: End | None = None,
    ) -> None:
        Delegating.__init__(self, twin)
        OnnxNetwork.__init__(self, card, answers, end)
        self.key = twin.key  # names its end, its region and its random last layer
        self._wiring = wiring

    def backward(
        self,
        inputs: Floats,
        targets: Indices,
        score: Score,
        rule: Rule = "gradient",
        references: Floats | None = None,
    ) -> Floats:
        others = None if references is None else self._seen(references)
        return super().backward(self._seen(inputs), targets, score, rule, others)

    def activations(self, inputs: Floats, *args: Any, **kwargs: Any) -> Floats:
        return super().activations(self._seen(inputs), *args, **kwargs)

    def layer_gradients(self, inputs: Floats, *args: Any, **kwargs: Any) -> tuple[Floats, Floats]:
        return super().layer_gradients(self._seen(inputs), *args, **kwargs)

    def resume(self, inputs: Floats, *args: Any, **kwargs: Any) -> Floats:
        return super().resume(self._seen(inputs), *args, **kwargs)

    def attentions(self, inputs: Floats, *args: Any, **kwargs: Any) -> tuple[Floats, Floats]:
        return super().attentions(self._seen(inputs), *args, **kwargs)

    def propagate(self, inputs: Floats, *args: Any, **kwargs: Any) -> Floats:
        return super().propagate(self._seen(inputs), *args, **kwargs)

    def randomised(self, seed: int) -> Network:
        made = self.native.randomised(seed)
        return TwinnedNetwork(self.card, lambda inputs: made.forward(self._seen(inputs)), made, self._wiring)

    def ended(self, end: End) -> Network:
        return TwinnedNetwork(self.card, self._answers, self.native.ended(end), self._wiring, end)

    def read_as(self, card: Card) -> None:
        self.card = card
        self.native.read_as(card)

    def at(self, precision: Precision) -> Network:
        """Return the network with gradients in a precision; the runtime's scores stay in float32."""
        made = copy.copy(self)
        made.native = self.native.at(precision)
        made.key = made.native.key
        return self if made.native is self.native else made

    def _seen(self, inputs: Floats) -> Floats:
        return as_numbers(inputs, self._wiring)


def load(source: ModelSource, kind: FileKind, scratch: str) -> OnnxNetwork:
    """Open an ONNX file, or a zip of one with its weights beside it, which is unpacked into `scratch`.

    If several outputs may hold the class scores and the source chooses none, the network gives all of them.
    """
    choice = OutputChoice.from_text(source.reading)
    file = checked(source, kind, scratch)
    opened = runnable(file, graph.image_input(file.model, alone=True))
    wiring, shapes, names = find_wiring(opened.session, opened.graph_input)
    if choice.output:
        names = (choice.among(names),)
    scores = {name: Scores(opened.graph, replace(wiring, output=name), opened.session) for name in names}
    if len(scores) > 1:
        inputs = trials(wiring.spec, wiring.side)
        answers = {name: [scores[name](i) for i in inputs] for name in names}
        if len(names := distinct(answers)) > 1:
            return _undecided(file.model, [scores[name] for name in names], answers, shapes, kind)
    network = _network(opened.model, scores[names[0]], file.folder, kind)
    network.card = replace(network.card, notes=(*network.card.notes, *opened.notes))
    return network


def _undecided(
    model: Any, scores: list[Scores], answers: Answers, shapes: dict[str, tuple[int, ...]], kind: FileKind
) -> OnnxNetwork:
    """Return a network that gives all outputs which may hold the class scores, side by side."""
    wiring = scores[0].wiring
    names = [each.wiring.output for each in scores]
    labels = [labels for labels in graph.class_names(model) if labels]
    outputs = described(answers, names, shapes, [len(each) for each in labels])
    card = Card(
        framework="onnx",
        format=kind.format,
        classes=0,
        input=wiring.spec,
        capabilities=Capability.PREDICT,
        hint=hint(wiring),
        labels=next((each for each in labels if len(each) in [output.classes for output in outputs]), ()),
    )
    return OnnxNetwork(asking(card, outputs), lambda inputs: side_by_side([each(inputs) for each in scores]))


def _network(model: Any, whole: Scores, folder: str | None, kind: FileKind) -> OnnxNetwork:
    wiring = whole.wiring
    inputs = trials(wiring.spec, wiring.side)
    expected = [whole(i) for i in inputs]
    cut, head = _without_head(model, whole, folder, inputs, expected)
    scores, outputs = (whole, expected) if cut is None else (cut, [cut(i) for i in inputs])
    classes = expected[0].shape[1]
    card = Card(
        framework="onnx",
        format=kind.format,
        classes=classes,
        input=wiring.spec,
        capabilities=Capability.PREDICT,
        **meaning(expected, cut is not None, head),
        hint=hint(wiring),
        hint_reason="The model's input takes whole numbers from 0 to 255." if wiring.dtype == "uint8" else "",
        labels=graph.labels(model, classes),
        notes=_notes(model, wiring),
    )
    twin, reason = twin_or_reason(model, wiring, card, folder, inputs, outputs)
    if twin is None:
        return OnnxNetwork(replace(card, missing=dict.fromkeys(BEYOND_SCORES, reason)), scores)
    twin.card = replace(card, capabilities=Capability.PREDICT | Capability.GRADIENT)
    twin.look_inside(wiring.side)
    return TwinnedNetwork(twin.card, scores, twin, wiring)


def _without_head(
    model: Any, whole: Scores, folder: str | None, inputs: list[Floats], expected: list[Floats]
) -> tuple[Scores | None, Head | None]:
    """Cut a final softmax or sigmoid off `model`, in place, unless the rest then fails to reproduce the outputs."""
    original = onnx.ModelProto()
    original.CopyFrom(model)
    head = graph.cut_head(model, whole.wiring.output)
    if head is None:
        return None, None
    cut = Scores(placed(model, folder, "without_head.onnx"), whole.wiring)
    if agree([squashed(cut(i), head) for i in inputs], expected, 1e-4):
        return cut, head
    model.CopyFrom(original)
    return None, head if head == "sigmoid" else None


def hint(wiring: Wiring) -> Preprocessing | None:
    """Return the preprocessing of a graph that takes whole numbers, None for others."""
    if wiring.dtype != "uint8":
        return None
    spec = wiring.spec
    hint = Preprocessing(spec.height or wiring.side, spec.width or wiring.side, scale=255.0)
    return replace(hint, channels="gray") if spec.channels == 1 else hint


def _notes(model: Any, wiring: Wiring) -> tuple[str, ...]:
    if len(model.graph.output) == 1:
        return ()
    return (NOTE.format(count=len(model.graph.output), name=wiring.output[:40]),)
