"""A detector's graph on the fastest engine whose boxes agree with ONNX Runtime's."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import get_args

import numpy as np

from model_adapters.engines import openvino
from model_adapters.engines.choice import NATIVE, NO_BFLOAT16, RAN_OUT, SIZES, TOO_LARGE, UNREADABLE, Choice, room_for
from model_adapters.engines.openvino import CompiledOutputs, Portable
from model_adapters.engines.trials import NO_NUMBERS, SECONDS, STOPPED, TOLERANCE, Candidate, Trial, missing
from model_adapters.onnx.detection.outputs import Rows
from model_adapters.output_shapes import Outputs
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


def figures_of(found: Sequence[Rows]) -> Floats:
    """Return what engines are compared by, a row for each box of some pictures, (n, 7 + K).

    The number of the picture, corners in shares of its sides, score, objectness and class scores.
    """
    return np.concatenate([_figures(number, one) for number, one in enumerate(found)])


def _figures(number: int, rows: Rows) -> Floats:
    alone = (np.full(len(rows.scores), number), rows.scores, rows.objectness)
    picture, scores, objectness = (np.asarray(each, np.float32)[:, None] for each in alone)
    return np.concatenate([picture, rows.corners, scores, objectness, rows.class_scores], axis=1)


class DetectorEngines:
    """Chooses what runs a graph, at each size of its input.

    native: runs it in ONNX Runtime. portable: None where the graph runs on a GPU. names: of its outputs. weights: size
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
        """Return all outputs from the best engine for a precision; natively until engines were tried."""
        size = (inputs.shape[1], inputs.shape[2])
        if size not in self._choices or self._best(size, precision).name != openvino.NAME:
            return self._native(inputs)
        try:
            return self._runs[size, self._best(size, precision).precision](inputs)
        except OutOfMemory:  # it keeps what it took, so that smaller batches fail too
            self._choices = {size: self._choices[size].without(openvino.NAME, RAN_OUT)}
            self._runs.clear()
        return self._native(inputs)

    def tried(self, inputs: Floats) -> tuple[Engine, ...]:
        """Return what there is for inputs (N, H, W, C) of one size, tried on them when it is first asked."""
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
        found = list(self._by_openvino(size))
        candidates = [native, *(one for one in found if isinstance(one, Candidate))]
        trials = [_tried(one, batches, expected) for one in candidates]
        return Choice.among(trials, [one for one in found if isinstance(one, Engine)])

    def _candidate(self, name: str, precision: Precision, run: Run) -> Candidate:
        return Candidate(name, precision, partial(self._figures, run))

    def _by_openvino(self, size: Size) -> Iterator[Candidate | Engine]:
        """Yield what OpenVINO makes of the graph, for each precision; nothing where it is not asked."""
        if openvino.openvino is None or self._portable is None:
            return
        try:
            if not room_for(self._weights):
                raise MemoryError
            yield from self._converted(self._portable, size)
        except Exception as error:  # whatever the converter raises; ONNX Runtime goes on
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
    """Return the inputs turned and mirrored in several batches, few and small ones where a picture takes `seconds`."""
    size = int(np.clip(SECONDS / seconds, 1, min(BATCH, len(inputs))))
    count = int(np.clip(SECONDS / seconds / size, LEAST_BATCHES, BATCHES))
    some = inputs[:size]
    ways = (some, some[:, :, ::-1], some[:, ::-1], some[:, ::-1, ::-1], some[..., ::-1])
    return [np.ascontiguousarray(way) for way in (inputs[-1:], *ways[:count])]


def _tried(candidate: Candidate, batches: list[Floats], expected: list[Floats]) -> Trial:
    answers, paces = [], []
    try:
        for batch in batches:
            begun = time.perf_counter()
            answers.append(candidate.answer(batch))
            paces.append(1000 * (time.perf_counter() - begun) / len(batch))
    except Exception as error:  # whatever an engine raises; the native one goes on
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
    found = again[~np.isnan(again)]
    largest = found.max(initial=0)
    if candidate.precision == "float32":  # which must give the very same boxes
        if any(len(a) != len(b) for a, b in pairs):
            return Trial(candidate, fault=OTHER_COUNT)
        largest = max(np.abs(a - b).max() / np.abs(b[:, 1:]).max() for a, b in pairs)
    return Trial(candidate, float(largest), len(found) / len(again), milliseconds)


def _differences(answer: Floats, expected: Floats) -> Floats:
    """Return, for each of the best boxes, the greatest difference of a figure where it is found again; NaN if lost."""
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
