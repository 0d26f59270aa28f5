"""Run a detector's graph on the fastest engine whose boxes agree with those of ONNX Runtime."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import get_args

import numpy as np

from model_adapters.common.output_shapes import Outputs
from model_adapters.engines import openvino
from model_adapters.engines.choice import NATIVE, NO_BFLOAT16, RAN_OUT, SIZES, TOO_LARGE, UNREADABLE, Choice, room_for
from model_adapters.engines.openvino import CompiledOutputs, Portable
from model_adapters.engines.trials import NO_NUMBERS, SECONDS, STOPPED, TOLERANCE, Candidate, Trial, missing
from model_adapters.onnx.detection.outputs import Rows
from xai_core.detection.targets import overlaps
from xai_core.errors import OutOfMemory
from xai_core.params import Size
from xai_core.types import Engine, Floats, InputSpec, Precision

Run = Callable[[Floats], Outputs]  # all outputs for inputs (N, H, W, C)
Figures = Callable[[Run, Floats], Floats]  # what `figures_of` returns, from one way to run the graph
BATCH, BATCHES, LEAST_BATCHES = 8, 5, 2
BEST = 10  # boxes a batch that are looked for again
LEAST_OVERLAP = 0.5
PICTURE, CORNERS, SCORE, CLASSES = 0, slice(1, 5), 5, slice(7, None)  # columns of the figures
OTHER_COUNT = "It finds a different number of boxes in the trial pictures."
NOTHING_FOUND = "The model finds nothing in the trial pictures, so there is nothing to compare."


def figures_of(all_rows: Sequence[Rows]) -> Floats:
    """Return the figures that engines are compared by, (n, 7 + K): a row for each box in the pictures.

    Columns: picture number, corners as fractions of the picture's sides, score, objectness and class scores.
    """
    return np.concatenate([_figures(number, picture_rows) for number, picture_rows in enumerate(all_rows)])


def _figures(number: int, rows: Rows) -> Floats:
    alone = (np.full(len(rows.scores), number), rows.scores, rows.objectness)
    picture, scores, objectness = (np.asarray(each, np.float32)[:, None] for each in alone)
    return np.concatenate([picture, rows.corners, scores, objectness, rows.class_scores], axis=1)


class DetectorEngines:
    """Chooses the engine that runs a graph, for each input size.

    native: runs it in ONNX Runtime. portable: None if the graph runs on a GPU. names: of its outputs. weights: size
    of the file in bytes.
    """

    def __init__(
        self,
        native: Run,
        figures: Figures,
        spec: InputSpec,
        portable: Portable | None,
        names: Sequence[str],
        weights: int,
    ) -> None:
        self._native, self._figures, self._spec, self._portable = native, figures, spec, portable
        self._names, self._weights = names, weights
        self._choices: dict[Size, Choice] = {}
        self._runs: dict[tuple[Size, Precision], Run] = {}

    def run(self, inputs: Floats, precision: Precision) -> Outputs:
        """Return all outputs from the best engine for a precision, or natively until engines are tried."""
        size = (inputs.shape[1], inputs.shape[2])
        if size not in self._choices or self._best(size, precision).name != openvino.NAME:
            return self._native(inputs)
        try:
            return self._runs[size, self._best(size, precision).precision](inputs)
        except OutOfMemory:  # OpenVINO keeps the memory, so smaller batches fail too
            self._choices = {size: self._choices[size].without(openvino.NAME, RAN_OUT)}
            self._runs.clear()
        return self._native(inputs)

    def tried(self, inputs: Floats) -> tuple[Engine, ...]:
        """Return the engines for inputs (N, H, W, C) of one size; they are tried at the first call for a size."""
        size = (inputs.shape[1], inputs.shape[2])
        if size not in self._choices:
            while len(self._choices) >= SIZES:
                self._let_go(next(iter(self._choices)))
            self._choices[size] = self._chosen(size, inputs)
        return self._choices[size].engines

    def _best(self, size: Size, precision: Precision) -> Candidate:
        return self._choices[size].best(precision)

    def _let_go(self, size: Size) -> None:
        del self._choices[size]
        self._runs = {key: run for key, run in self._runs.items() if key[0] != size}

    def _chosen(self, size: Size, inputs: Floats) -> Choice:
        native = self._candidate(NATIVE["onnx"], "float32", self._native)
        batches = _batches(inputs, _seconds(native, inputs[:1]))
        expected = [native.answer(batch) for batch in batches]
        from_openvino = list(self._by_openvino(size))
        candidates = [native, *(entry for entry in from_openvino if isinstance(entry, Candidate))]
        trials = [_tried(candidate, batches, expected) for candidate in candidates]
        return Choice.among(trials, [entry for entry in from_openvino if isinstance(entry, Engine)])

    def _candidate(self, name: str, precision: Precision, run: Run) -> Candidate:
        return Candidate(name, precision, partial(self._figures, run))

    def _by_openvino(self, size: Size) -> Iterator[Candidate | Engine]:
        """Yield an OpenVINO candidate, or why there is none, for each precision; nothing if OpenVINO does not apply."""
        if openvino.openvino is None or self._portable is None:
            return
        try:
            if not room_for(self._weights):
                raise MemoryError
            yield from self._converted(self._portable, size)
        except Exception as error:  # the converter may raise anything; ONNX Runtime still works
            traceback.print_exception(error)
            reason = TOO_LARGE if isinstance(error, MemoryError) else UNREADABLE
            yield missing(openvino.NAME, "float32", reason)

    def _converted(self, portable: Portable, size: Size) -> Iterator[Candidate | Engine]:
        graph = openvino.convert(portable, self._spec, *size)
        for precision in get_args(Precision):
            if openvino.knows(precision):
                self._runs[size, precision] = run = CompiledOutputs(graph, precision, portable, self._names)
                yield self._candidate(openvino.NAME, precision, run)
            else:
                yield missing(openvino.NAME, precision, NO_BFLOAT16)


def _batches(inputs: Floats, seconds: float) -> list[Floats]:
    """Return batches of the inputs, flipped in several ways; fewer and smaller the more `seconds` a picture takes."""
    size = int(np.clip(SECONDS / seconds, 1, min(BATCH, len(inputs))))
    count = int(np.clip(SECONDS / seconds / size, LEAST_BATCHES, BATCHES))
    pictures = inputs[:size]
    ways = (pictures, pictures[:, :, ::-1], pictures[:, ::-1], pictures[:, ::-1, ::-1], pictures[..., ::-1])
    return [np.ascontiguousarray(way) for way in (inputs[-1:], *ways[:count])]


def _tried(candidate: Candidate, batches: list[Floats], expected: list[Floats]) -> Trial:
    answers, paces = [], []
    try:
        for batch in batches:
            begun = time.perf_counter()
            answers.append(candidate.answer(batch))
            paces.append(1000 * (time.perf_counter() - begun) / len(batch))
    except Exception as error:  # an engine may raise anything; the native one still works
        traceback.print_exception(error)
        return Trial(candidate, fault=STOPPED)
    return _compared(candidate, answers, expected, min(paces[1:]))  # the first sets engines up


def _compared(candidate: Candidate, answers: list[Floats], expected: list[Floats], milliseconds: float) -> Trial:
    if not all(np.isfinite(answer).all() for answer in answers):
        return Trial(candidate, fault=NO_NUMBERS)
    pairs = [(a, b) for a, b in zip(answers, expected, strict=True) if len(a) or len(b)]
    if not any(len(b) for _, b in pairs):
        return Trial(candidate, fault=NOTHING_FOUND)
    again = np.concatenate([_differences(a, b) for a, b in pairs])
    matched = again[~np.isnan(again)]
    largest = matched.max(initial=0)
    if candidate.precision == "float32":  # float32 must give exactly the same boxes
        if any(len(a) != len(b) for a, b in pairs):
            return Trial(candidate, fault=OTHER_COUNT)
        largest = max(np.abs(a - b).max() / np.abs(b[:, 1:]).max() for a, b in pairs)
    return Trial(candidate, float(largest), len(matched) / len(again), milliseconds)


def _differences(answer: Floats, expected: Floats) -> Floats:
    """Return, for each of the best boxes, the greatest difference of any figure if it is found again, else NaN."""
    best = expected[np.argsort(-expected[:, SCORE], kind="stable")[:BEST]]
    labels = answer[:, CLASSES].argmax(axis=1)
    differences = [_difference(answer[labels == box[CLASSES].argmax()], box) for box in best]
    return np.array(differences, np.float32)


def _difference(answer: Floats, box: Floats) -> float:
    same = answer[answer[:, PICTURE] == box[PICTURE]]
    differences = np.abs(same - box).max(axis=1)
    shares = overlaps(same[:, CORNERS], box[None, CORNERS])[:, 0]
    near = differences[(shares > LEAST_OVERLAP) | (differences <= TOLERANCE)]  # a box of no size overlaps nothing
    return float(near.min()) if len(near) else np.nan


def _seconds(candidate: Candidate, inputs: Floats) -> float:
    candidate.answer(inputs)
    begun = time.perf_counter()
    candidate.answer(inputs)
    return time.perf_counter() - begun
