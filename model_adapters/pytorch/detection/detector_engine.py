"""Run a torchvision detector's convolutions on the fastest engine whose maps and boxes agree with PyTorch's."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, get_args

import numpy as np
import torch

from model_adapters.engines import openvino
from model_adapters.engines.choice import NATIVE, NO_BFLOAT16, RAN_OUT, SIZES, TOO_LARGE, UNREADABLE, Choice, room_for
from model_adapters.engines.trials import NO_NUMBERS, STOPPED, TINY, Candidate, Trial, missing
from model_adapters.pytorch.detection.heads import Features, Heads, named
from model_adapters.pytorch.precisions import TRACED, knows, passes_in
from xai_core.detection.targets import found_again
from xai_core.detector import BoxTarget, Detections
from xai_core.params import Size
from xai_core.types import Engine, Precision

TRACED_SIDE = 128  # pixels; the graph is reshaped to other sizes afterwards
BEST = 10  # boxes per picture that every engine must find again
LEAST_IOU = 0.5
ROUNDS = 2  # of timing, after the first answer, which sets engines up


@dataclass(frozen=True, eq=False)
class Convolved:
    """The output of the convolutions: the levels of the pyramid, and `Heads.everywhere` for them."""

    features: Features
    everywhere: Features

    @property
    def maps(self) -> tuple[Any, ...]:
        return (*self.features.values(), *self.everywhere.values())


Run = Callable[[Any], Convolved]  # from pictures (N, 3, h, w), scaled and padded
Find = Callable[[Convolved, int], Detections]  # the boxes in one of the trial pictures, by its number


class Convolutions:
    """The backbone and the layers that follow at every place, in PyTorch until `tried` has found a faster engine."""

    def __init__(self, heads: Heads, device: Any) -> None:
        self._heads, self._device = heads, device
        self._choices: dict[Size, Choice] = {}
        self._runs: dict[tuple[Size, str, Precision], Run] = {}

    def __call__(self, planes: Any, precision: Precision) -> Convolved:
        """Return the maps of pictures (N, 3, h, w). On an engine, the next call overwrites them."""
        size = _size_of(planes)
        if self._device.type != "cpu":
            return self.natively(planes, precision if knows(self._device, precision) else "float32")
        if size not in self._choices:
            return self.natively(planes)
        best = self._choices[size].best(precision)
        try:
            return self._runs[size, best.name, best.precision](planes)
        except MemoryError:  # OpenVINO keeps the memory, so smaller batches fail too
            self._choices = {size: self._choices[size].without(openvino.NAME, RAN_OUT)}
            self._runs = {key: run for key, run in self._runs.items() if key[:2] == (size, NATIVE["pytorch"])}
        return self(planes, precision)

    def natively(self, planes: Any, precision: Precision = "float32") -> Convolved:
        """Return the maps that PyTorch computes, as float32 whatever the precision."""
        with torch.no_grad(), passes_in(precision, self._device):
            features, everywhere = _convolved(self._heads, planes)
        return Convolved(
            *({name: feature_map.float() for name, feature_map in maps.items()} for maps in (features, everywhere))
        )

    def tried(self, pictures: Sequence[Any], find: Find) -> tuple[Engine, ...]:
        """Return the engines for pictures (1, 3, h, w) of one size; they are tried at the first call for a size."""
        if self._device.type != "cpu":
            return ()
        size = _size_of(pictures[0])
        if size not in self._choices:
            while len(self._choices) >= SIZES:
                self._let_go(next(iter(self._choices)))
            self._choices[size] = self._chosen(size, pictures, find)
        return self._choices[size].engines

    def _let_go(self, size: Size) -> None:
        del self._choices[size]
        self._runs = {key: run for key, run in self._runs.items() if key[0] != size}

    def _chosen(self, size: Size, pictures: Sequence[Any], find: Find) -> Choice:
        available = [*self._natives(size), *self._by_openvino(size)]
        candidates = [entry for entry in available if isinstance(entry, Candidate)]
        trials = _tried(candidates, pictures, find)
        return Choice.among(trials, [entry for entry in available if isinstance(entry, Engine)])

    def _natives(self, size: Size) -> Iterator[Candidate]:
        for precision in get_args(Precision):
            if knows(self._device, precision):
                yield self._candidate(size, NATIVE["pytorch"], precision, partial(self.natively, precision=precision))

    def _candidate(self, size: Size, name: str, precision: Precision, run: Any) -> Candidate:
        self._runs[size, name, precision] = run
        return Candidate(name, precision, run)

    def _by_openvino(self, size: Size) -> Iterator[Candidate | Engine]:
        """Yield an OpenVINO candidate, or why there is none, for each precision; nothing if it is not installed."""
        if openvino.openvino is None:
            return
        try:
            if not room_for(
                sum(parameter.numel() * parameter.element_size() for parameter in self._heads.module.parameters())
            ):
                raise MemoryError
            yield from self._converted(size)
        except Exception as error:  # the converter may raise anything; PyTorch still works
            traceback.print_exception(error)
            reason = TOO_LARGE if isinstance(error, MemoryError) else UNREADABLE
            yield missing(openvino.NAME, "float32", reason)

    def _converted(self, size: Size) -> Iterator[Candidate | Engine]:
        graph, names = _graph(self._heads, size)
        for precision in get_args(Precision):
            if openvino.knows(precision):
                run = CompiledConvolutions(graph, precision, *names)
                yield self._candidate(size, openvino.NAME, precision, run)
            else:
                yield missing(openvino.NAME, precision, NO_BFLOAT16)


class CompiledConvolutions:
    """A graph for pictures (N, 3, h, w) of one size; each call overwrites the maps of the previous one."""

    def __init__(self, graph: Any, precision: Precision, levels: Sequence[str], others: Sequence[str]) -> None:
        self._made = openvino.compiled(graph, precision)
        self._request = self._made.create_infer_request()
        self._levels, self._others = levels, others

    def __call__(self, planes: Any) -> Convolved:
        try:
            self._request.infer([planes.contiguous().numpy()], share_inputs=True)
        except RuntimeError as error:
            if "alloc" in str(error).lower():
                raise MemoryError from error
            raise
        maps = [torch.from_numpy(self._request.get_tensor(output).data) for output in self._made.outputs]
        count = len(self._levels)
        pairs = zip(self._levels, maps[:count], strict=True), zip(self._others, maps[count:], strict=True)
        return Convolved(*map(dict, pairs))


def _convolved(heads: Heads, planes: Any) -> tuple[Features, Features]:
    features = named(heads.module.backbone(planes))
    return features, heads.everywhere(list(features.values()))


def _graph(heads: Heads, size: Size) -> tuple[Any, tuple[list[str], list[str]]]:
    """Return the convolutions as a graph for pictures of one size, and the names of its outputs."""

    class Maps(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.module = heads.module

        def forward(self, planes: Any) -> Any:
            features, everywhere = _convolved(heads, planes)
            return (*features.values(), *everywhere.values())

    example = torch.zeros(TRACED, 3, TRACED_SIDE, TRACED_SIDE)
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):  # tracing warns about every branch it takes
        features, everywhere = _convolved(heads, example)
        graph = openvino.openvino.convert_model(Maps().eval(), example_input=example)
    graph.reshape([-1, 3, *size])
    return graph, (list(features), list(everywhere))


def _tried(candidates: Sequence[Candidate], pictures: Sequence[Any], find: Find) -> list[Trial]:
    """Try engines on the same pictures, then time them alternately; all must agree with the first."""
    expected = [_answer(candidates[0], picture, number, find) for number, picture in enumerate(pictures)]
    trials = [_compared(candidate, pictures, expected, find) for candidate in candidates]
    rounds = [{trial: _seconds(trial, pictures[-1]) for trial in trials if not trial.fault} for _ in range(ROUNDS)]
    return [
        trial if trial.fault else replace(trial, milliseconds=1000 * min(taken[trial] for taken in rounds))
        for trial in trials
    ]


def _compared(
    candidate: Candidate, pictures: Sequence[Any], expected: Sequence[tuple[Convolved, Detections]], find: Find
) -> Trial:
    differences, again = [], []
    try:
        for number, (picture, (maps, boxes)) in enumerate(zip(pictures, expected, strict=True)):
            answer, detections = _answer(candidate, picture, number, find)
            differences += [_difference(*pair) for pair in zip(answer.maps, maps.maps, strict=True)]
            again += [_is_there(detections, BoxTarget.of(boxes, index)) for index in range(min(BEST, len(boxes)))]
    except Exception as error:  # an engine may raise anything; the native one still works
        traceback.print_exception(error)
        return Trial(candidate, fault=STOPPED)
    if not np.isfinite(differences).all():
        return Trial(candidate, fault=NO_NUMBERS)
    return Trial(candidate, max(differences), float(np.mean(again)) if again else 1.0)


def _answer(candidate: Candidate, picture: Any, number: int, find: Find) -> tuple[Convolved, Detections]:
    convolved: Any = candidate.answer(picture)
    return convolved, find(convolved, number)


def _difference(feature_map: Any, expected: Any) -> float:
    return float((feature_map - expected).abs().max() / expected.abs().max().clamp(min=TINY))


def _is_there(detections: Detections, box: BoxTarget) -> bool:
    return found_again(detections, box, LEAST_IOU) is not None


def _seconds(trial: Trial, picture: Any) -> float:
    begun = time.perf_counter()
    trial.candidate.answer(picture)
    return time.perf_counter() - begun


def _size_of(planes: Any) -> Size:
    return int(planes.shape[2]), int(planes.shape[3])
