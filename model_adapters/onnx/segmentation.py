"""ONNX networks that label every pixel, through ONNX Runtime, with gradients through the twin in PyTorch."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.output_shapes import Outputs
from model_adapters.common.probes import AT_ONCE, COMMON_SIDES, in_batches, ran_out, trials
from model_adapters.common.segmentation import (
    agree_with_head,
    both_sides,
    check_scores,
    head_of,
    is_channels_first,
    mean_rows,
    segmenter_card,
)
from model_adapters.onnx import graph
from model_adapters.onnx.files import checked, placed
from model_adapters.onnx.free_batch import runnable
from model_adapters.onnx.open import BEYOND_SCORES, OnnxNetwork, TwinnedNetwork, hint
from model_adapters.onnx.session import Wiring, as_tensor, check_labels, first_answer, open_session, settled
from model_adapters.onnx.twin import maps_twin_or_reason
from xai_core.errors import UnsupportedModel, is_of_memory
from xai_core.network import Network
from xai_core.scores import Scoring
from xai_core.segmentation.regions import digest_of
from xai_core.segmentation.segmenter import Segmenter
from xai_core.types import Capability, Card, FileKind, Flags, Floats, Head, ModelSource, Score

USUAL_NAMES = ("logits", "out", "output")
NO_MAPS = "Expected scores (N, classes, H, W) for a segmentation network; the model returned {0}."
SEVERAL = "The model returns {0} maps: {1}. Name the output that holds the class scores."


class SessionMaps:
    """The maps (N, h, w, C) of a session for inputs (N, H, W, C). channels_first: how the graph lays them out."""

    def __init__(self, model: str | bytes, wiring: Wiring, channels_first: bool, session: Any = None) -> None:
        self.wiring, self.channels_first = wiring, channels_first
        self._session = session or open_session(model)

    def __call__(self, inputs: Floats) -> Floats:
        most = max(1, AT_ONCE // (inputs.shape[1] * inputs.shape[2]))
        return in_batches(self._one_batch, self.wiring.spec.batch, inputs, most=most)

    def _one_batch(self, inputs: Floats) -> Floats:
        try:
            (maps,) = self._session.run([self.wiring.output], {self.wiring.input: as_tensor(inputs, self.wiring)})
        except Exception as error:
            if is_of_memory(error):
                raise ran_out(len(inputs)) from error
            raise
        maps = np.asarray(_with_channels(maps, self.wiring), np.float32)
        return np.ascontiguousarray(maps.transpose(0, 2, 3, 1) if self.channels_first else maps)


class _OfMaps(Segmenter):
    """Scores that are the means of a session's maps over a region."""

    _maps: SessionMaps
    _region: Flags | None = None

    def forward(self, inputs: Floats) -> Floats:
        return mean_rows(self._maps(inputs), self._region, self.card.gives)

    def segment(self, inputs: Floats) -> Floats:
        return both_sides(self._maps(inputs), self.card.gives)

    def within(self, region: Flags) -> Network:
        made = copy.copy(self)
        made._region, made.key = region, f"{self.key} region {digest_of(region)}".strip()
        return made


class OnnxSegmenter(_OfMaps, OnnxNetwork):
    """An ONNX graph that gives maps only."""

    def __init__(self, card: Card, maps: SessionMaps) -> None:
        OnnxNetwork.__init__(self, card, self.forward)
        self._maps = maps


class TwinnedSegmenter(_OfMaps, TwinnedNetwork):
    """An ONNX graph with its twin, the same graph in PyTorch, for everything that the runtime cannot do."""

    def __init__(self, card: Card, maps: SessionMaps, twin: Segmenter) -> None:
        TwinnedNetwork.__init__(self, card, self.forward, twin, maps.wiring)
        self._maps = maps

    def within(self, region: Flags) -> Network:
        made = super().within(region)
        assert isinstance(made, TwinnedSegmenter)
        assert isinstance(self.native, Segmenter)
        made.native = self.native.within(region)
        return made


def load(source: ModelSource, kind: FileKind, scratch: str) -> OnnxSegmenter | TwinnedSegmenter:
    """Open an ONNX file, or a zip of one with its weights beside it; UnsupportedModel if it gives no maps."""
    choice = OutputChoice.from_text(source.reading)
    file = checked(source, kind, scratch)
    opened = runnable(file, graph.image_input(file.model, alone=True))
    wiring, outputs = first_answer(opened.session, opened.graph_input, COMMON_SIDES)
    wiring = replace(wiring, output=_output(outputs, choice))
    size = (wiring.spec.height or wiring.side, wiring.spec.width or wiring.side)
    shape = _with_channels(outputs[wiring.output], wiring).shape
    wiring = replace(wiring, spec=settled(opened.session, wiring))
    maps = SessionMaps(opened.graph, wiring, is_channels_first(shape, size, wiring.spec.layout), opened.session)
    network = _network(opened.model, maps, file.folder, kind, choice.scoring)
    network.card = replace(network.card, notes=(*network.card.notes, *opened.notes))
    return network


def _output(outputs: Outputs, choice: OutputChoice) -> str:
    """Return the name of the output that holds the maps."""
    maps = [name for name, value in outputs.items() if _is_map(value)]
    if choice.output:
        return choice.among(maps)
    check_labels(outputs)
    names = [name for name in USUAL_NAMES if name in maps] or maps
    if len(names) > 1 and names is maps:
        raise UnsupportedModel(SEVERAL.format(len(maps), ", ".join(name[:40] for name in maps[:20])))
    if not names:
        shapes = ["x".join(map(str, np.shape(value))) for value in outputs.values()]
        raise UnsupportedModel(NO_MAPS.format(", ".join(shapes[:4])))
    return names[0]


def _is_map(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim in (3, 4)


def _with_channels(maps: Any, wiring: Wiring) -> Any:
    """Return maps with a batch and a channel dimension, which a graph may leave out."""
    if maps.ndim == 4:
        return maps
    if not wiring.batched:
        return maps[None]
    return maps[:, None] if wiring.spec.layout == "NCHW" else maps[..., None]


def _network(
    model: Any, whole: SessionMaps, folder: str | None, kind: FileKind, scoring: Scoring
) -> OnnxSegmenter | TwinnedSegmenter:
    wiring = whole.wiring
    inputs = trials(wiring.spec, wiring.side)
    expected = [whole(batch) for batch in inputs]
    check_scores(expected)
    cut, head, logits = _without_head(model, whole, folder, inputs, expected)
    maps, outputs = (whole, expected) if cut is None else (cut, logits)
    head = head or head_of(expected)
    gives: Score = "probability" if cut is None and head else "logit"
    card = segmenter_card("onnx", kind, wiring.spec, outputs, head, gives, scoring)
    card = replace(
        card,
        hint=hint(wiring),
        hint_reason="The model's input takes whole numbers from 0 to 255." if wiring.dtype == "uint8" else "",
        labels=graph.labels(model, card.classes) or card.labels,
    )
    twin, reason = maps_twin_or_reason(model, wiring, maps.channels_first, card, folder, inputs, outputs)
    if twin is None:
        return OnnxSegmenter(replace(card, missing=dict.fromkeys(BEYOND_SCORES, reason)), maps)
    twin.card = replace(card, capabilities=Capability.PREDICT | Capability.GRADIENT)
    twin.look_inside(wiring.side)
    return TwinnedSegmenter(twin.card, maps, twin)


def _without_head(
    model: Any, whole: SessionMaps, folder: str | None, inputs: list[Floats], expected: list[Floats]
) -> tuple[SessionMaps | None, Head | None, list[Floats]]:
    """Cut a final softmax or sigmoid off `model`, in place, unless the rest then fails to reproduce the maps."""
    original = onnx.ModelProto()
    original.CopyFrom(model)
    head = graph.cut_head(model, whole.wiring.output)
    if head is None:
        return None, None, []
    cut = SessionMaps(placed(model, folder, "without_head.onnx"), whole.wiring, whole.channels_first)
    logits = [cut(batch) for batch in inputs]
    if agree_with_head(logits, expected, head):
        return cut, head, logits
    model.CopyFrom(original)
    return None, None, []
