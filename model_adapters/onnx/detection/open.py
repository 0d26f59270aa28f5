"""Object detectors from ONNX files, with their feature pyramids if an equivalent PyTorch graph can be made."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model_adapters.common.probes import AT_ONCE, natural
from model_adapters.engines.openvino import Portable
from model_adapters.onnx.detection.card import opened
from model_adapters.onnx.detection.draft import TwinDraft
from model_adapters.onnx.detection.engines import DetectorEngines, Run, figures_of
from model_adapters.onnx.detection.inputs import inputs_of
from model_adapters.onnx.detection.outputs import Rows, rows
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.detection.suppression import detections
from model_adapters.onnx.files import checked
from model_adapters.onnx.session import Graph
from xai_core.detector import Aspect, BoxTarget, Detections, Detector, Places
from xai_core.errors import ModelError, UnsupportedModel
from xai_core.params import Size
from xai_core.types import Card, Engine, FileKind, Floats, Indices, ModelSource, Precision

MANY = 8  # pictures of one size, after which it pays to look for a faster engine


class UnreadDetector(Detector):
    """A graph whose outputs cannot be read yet; its card says why and lists them."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        raise UnsupportedModel(self.card.missing["DETECT"])


class OnnxDetector(Detector):
    """A graph with a reading of its outputs. weights: size of its file in bytes."""

    def __init__(self, card: Card, graph: Graph, reading: Reading, weights: int) -> None:
        self.card = card
        self._spec, self._reading = card.input, reading
        portable = Portable(graph.path, dtype=graph.wiring.dtype, batched=graph.wiring.batched)
        self._engines = DetectorEngines(
            graph, self._figures, card.input, None if graph.on_gpu else portable, graph.names, weights
        )
        self._precision: Precision = "float32"
        self._picture_counts: dict[Size, int] = {}  # by size; shared with variants, as the engines are
        self._seen: dict[Size, Floats] = {}  # the last picture of each size

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        inputs, size = self._inputs(images), (images.shape[1], images.shape[2])
        self._picture_counts[size] = self._picture_counts.get(size, 0) + len(images)
        self._seen[size] = images[-1:]
        if self._picture_counts[size] > MANY:
            self._engines.tried(inputs)
        all_rows = self._rows(lambda batch: self._engines.run(batch, self._precision), inputs)
        return [detections(picture_rows, self._reading, floor, size) for picture_rows in all_rows]

    def at(self, precision: Precision) -> Detector:
        if precision == "float32":
            return self
        made = copy.copy(self)
        made._precision, made.key = precision, precision
        return made

    def engines(self, height: int, width: int) -> tuple[Engine, ...]:
        shown = natural(replace(self._spec, height=height, width=width, channels=3))
        seen = self._seen.get((height, width), shown[:1])
        return self._engines.tried(self._inputs(np.concatenate([seen, shown])))

    def _inputs(self, images: Floats) -> Floats:
        return inputs_of(images, self._reading, self._spec)

    def _rows(self, run: Run, inputs: Floats) -> list[Rows]:
        batch, size = self._spec.batch, (inputs.shape[1], inputs.shape[2])
        step = batch or max(1, AT_ONCE // (size[0] * size[1]))
        all_rows: list[Rows] = []
        for start in range(0, len(inputs), step):
            part = inputs[start : start + step]
            padded = np.concatenate([part, np.repeat(part[-1:], (batch or len(part)) - len(part), axis=0)])
            all_rows += rows(run(padded), self._reading, size, len(padded))[: len(part)]
        return all_rows

    def _figures(self, run: Run, inputs: Floats) -> Floats:
        return figures_of(self._rows(run, inputs))


class TwinnedDetector(OnnxDetector):
    """A graph with its twin, the same graph in PyTorch, for feature maps and gradients, and cut at its levels for
    ablation; both are made when first needed."""

    def __init__(self, card: Card, graph: Graph, reading: Reading, weights: int, draft: TwinDraft) -> None:
        super().__init__(card, graph, reading, weights)
        self._draft = draft

    def pyramid(self, image: Floats, levels: Sequence[str]) -> list[Floats]:
        self._check(levels)
        return self._draft.twin.maps(self._inputs(image[None]), levels)

    def box_gradients(
        self, image: Floats, target: BoxTarget, aspect: Aspect, levels: Sequence[str]
    ) -> tuple[float, list[Floats]]:
        self._check(levels)
        size = (image.shape[0], image.shape[1])
        return self._draft.twin.gradients(self._inputs(image[None]), target, size, aspect, levels)

    def without_channels(
        self,
        image: Floats,
        channels: Indices,
        value: float,
        targets: Sequence[BoxTarget],
        floor: float,
        places: Places | None = None,
    ) -> list[Detections]:
        all_rows = self._draft.cut.without(self._inputs(image[None]), channels, value, places)
        return [detections(each, self._reading, floor, (image.shape[0], image.shape[1])) for each in all_rows]

    def _check(self, levels: Sequence[str]) -> None:
        names = [layer.name for layer in self.card.layers]
        if unknown := [name for name in levels if name not in names]:
            raise ModelError(f"This detector has no level {unknown[0][:40]!r}; its levels are {', '.join(names)}.")


def load(source: ModelSource, kind: FileKind, scratch: str) -> Detector:
    """Open an ONNX file, or a zip of one, as a detector; outputs are read as the source says, or by a guess.

    Raises ParamError if the source's reading is invalid, and UnsupportedModel if the model is no detector. If it is
    unknown how to read the outputs, the detector's card says so, and it detects nothing.
    """
    weights = os.path.getsize(source.path)
    file = checked(source, kind, scratch)
    detector = opened(file, kind.format, source.reading)
    if detector.reading is None:
        return UnreadDetector(detector.card)
    parts = (detector.card, detector.graph, detector.reading, weights)
    return OnnxDetector(*parts) if detector.draft is None else TwinnedDetector(*parts, detector.draft)
