"""Wrap a native network so that its forward passes run on the fastest engine whose answers agree."""

from __future__ import annotations

import resource
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, get_args

from model_adapters.common.probes import AT_ONCE, in_batches
from model_adapters.engines import openvino
from model_adapters.engines.delegating import Delegating
from model_adapters.engines.openvino import Compiled, Convertible, Portable
from model_adapters.engines.trials import Candidate, Trial, as_engines, chosen, missing, tried
from xai_core.ends import End
from xai_core.errors import OutOfMemory, is_of_memory
from xai_core.network import Network
from xai_core.params import Size
from xai_core.types import Engine, Floats, Precision

NATIVE = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}
ROUGH = ("pytorch",)  # frameworks that can also compute scores in bfloat16
SIZES = 3  # input sizes to remember, since each holds compiled graphs
COPIES = 4  # of the weights in memory: a graph is converted, then compiled for two precisions
PAGE = resource.getpagesize()
UNREADABLE = "OpenVINO cannot read this model."
TOO_LARGE = "The model is too large to be held twice in the memory that it may use."
RAN_OUT = "OpenVINO ran out of memory."
NO_ROOM = "There is not enough memory to try it."
NO_BFLOAT16 = "This processor does not compute in bfloat16."


@dataclass(frozen=True)
class Choice:
    """The outcome of the trials at one input size. engines: as displayed, the native one first."""

    trials: Sequence[Trial]
    bests: Mapping[Precision, Trial]
    engines: tuple[Engine, ...]

    @classmethod
    def among(cls, trials: Sequence[Trial], others: Iterable[Engine]) -> Choice:
        """Choose among the engines that were tried. others: engines that could not be tried."""
        bests = chosen(trials)
        return cls(trials, bests, (*as_engines(trials, bests), *others))

    def best(self, precision: Precision) -> Candidate:
        return self.bests.get(precision, self.bests["float32"]).candidate

    def without(self, name: str, reason: str) -> Choice:
        """Choose again without the engine `name`, for the reason given."""
        pairs = list(zip(self.trials, self.engines, strict=False))  # engines that could not be tried come after these
        gone = [replace(e, used=False, reason=t.objection or reason) for t, e in pairs if e.name == name]
        left = [trial for trial in self.trials if trial.candidate.name != name]
        return Choice.among(left, [*gone, *self.engines[len(pairs) :]])


class WithEngines(Delegating):
    """Runs forward passes on the engine that `engines` found best for the input's size; everything else runs natively.

    weights: size of the model's file in bytes; the memory needed for a conversion is estimated from it.
    """

    def __init__(self, native: Network, weights: int = 0) -> None:
        super().__init__(native)
        self._weights = weights
        self._choices: dict[Size, Choice] = {}

    def forward(self, inputs: Floats) -> Floats:
        return self.answer(inputs, "float32", self.native)

    def answer(self, inputs: Floats, precision: Precision, native: Network) -> Floats:
        """Return raw outputs (N, K) from the best engine for a precision, or from `native` until engines are tried."""
        size = inputs.shape[1:3]
        if size not in self._choices:
            return native.forward(inputs)
        try:
            return self._choices[size].best(precision).answer(inputs)
        except OutOfMemory:
            if self._choices[size].best(precision).name != openvino.NAME:
                raise
            # OpenVINO keeps the memory, so smaller batches fail too. Graphs for other sizes are dropped as well.
            self._choices = {size: self._choices[size].without(openvino.NAME, RAN_OUT)}
        return self.answer(inputs, precision, native)

    def at(self, precision: Precision) -> Network:
        return self if precision == "float32" else _InBfloat16(self)

    def randomised(self, seed: int) -> Network:
        return WithEngines(self.native.randomised(seed), self._weights)

    def ended(self, end: End) -> Network:
        return _Ended(self, end)

    def engines(self, height: int, width: int, own: Floats | None = None) -> tuple[Engine, ...]:
        size = (height, width)
        if size not in self._choices:
            while len(self._choices) >= SIZES:
                del self._choices[next(iter(self._choices))]
            self._choices[size] = self._tried(height, width, own)
        return self._choices[size].engines

    def _tried(self, height: int, width: int, own: Floats | None) -> Choice:
        native, *others = self._natives()
        from_openvino = list(self._by_openvino(height, width))
        others += [entry for entry in from_openvino if isinstance(entry, Candidate)]
        try:
            trials = tried(native, others, replace(self.card.input, height=height, width=width), own)
            return Choice.among(trials, [entry for entry in from_openvino if isinstance(entry, Engine)])
        except Exception as error:
            if not is_of_memory(error):
                raise
            traceback.print_exception(error)
        # An explanation takes less memory than these trials, so it may still run.
        return Choice.among(
            [Trial(native)], [missing(candidate.name, candidate.precision, NO_ROOM) for candidate in others]
        )

    def _natives(self) -> Iterator[Candidate]:
        name = NATIVE.get(self.card.framework, self.card.framework)
        yield Candidate(name, "float32", self.native.forward)
        rough = self.native.at("bfloat16")
        if self.card.framework in ROUGH and rough is not self.native:
            yield Candidate(name, "bfloat16", rough.forward)

    def _by_openvino(self, height: int, width: int) -> Iterator[Candidate | Engine]:
        """Yield an OpenVINO candidate, or why there is none, for each precision; nothing if OpenVINO does not apply."""
        if openvino.openvino is None or not isinstance(self.native, Convertible):
            return
        if (portable := self.native.portable(height, width)) is None:
            return
        try:
            if not room_for(self._weights):
                self._choices.clear()  # of other sizes
            if not room_for(self._weights):
                raise MemoryError
            yield from self._converted(portable, height, width)
        except Exception as error:  # the converter may raise anything; the native network still works
            traceback.print_exception(error)
            reason = TOO_LARGE if isinstance(error, MemoryError) else UNREADABLE
            yield missing(openvino.NAME, "float32", reason)

    def _converted(self, portable: Portable, height: int, width: int) -> Iterator[Candidate | Engine]:
        spec, name = self.card.input, openvino.NAME
        graph = openvino.convert(portable, spec, height, width)
        most = max(1, AT_ONCE // (height * width))
        for precision in get_args(Precision):
            if openvino.knows(precision):
                compiled = Compiled(graph, precision, portable)
                yield Candidate(name, precision, partial(in_batches, compiled, spec.batch, most=most))
            else:
                yield missing(name, precision, NO_BFLOAT16)


class _InBfloat16(Delegating):
    """The same network with scores and plain gradients in bfloat16 where supported; everything else is unchanged."""

    def __init__(self, whole: WithEngines) -> None:
        super().__init__(whole.native.at("bfloat16"))
        self._whole = whole
        self.key = f"{whole.key} bfloat16".strip()

    def forward(self, inputs: Floats) -> Floats:
        return self._whole.answer(inputs, "bfloat16", self.native)

    def at(self, precision: Precision) -> Network:
        return self._whole.at(precision)

    def randomised(self, seed: int) -> Network:
        return self._whole.randomised(seed).at("bfloat16")

    def ended(self, end: End) -> Network:
        return _Ended(self, end)

    def engines(self, *args: Any, **kwargs: Any) -> tuple[Engine, ...]:
        return self._whole.engines(*args, **kwargs)


class _Ended(Delegating):
    """A network with an end, whose forward passes run on the engine that was found for the network without it."""

    def __init__(self, whole: WithEngines | _InBfloat16, end: End) -> None:
        super().__init__(whole.native.ended(end))
        self._whole, self._end = whole, end
        self.key = f"{whole.key} {end.key}".strip()

    def forward(self, inputs: Floats) -> Floats:
        return self._end.of(self._whole.forward(inputs))

    def at(self, precision: Precision) -> Network:
        return self._read_alike(self._whole.at(precision).ended(self._end))

    def randomised(self, seed: int) -> Network:
        return self._read_alike(self._whole.randomised(seed).ended(self._end))

    def engines(self, *args: Any, **kwargs: Any) -> tuple[Engine, ...]:
        return self._whole.engines(*args, **kwargs)

    def _read_alike(self, network: Network) -> Network:
        network.read_as(self.card)
        return network


def room_for(weights: int) -> bool:
    """Whether this process may hold the copies that a conversion makes of `weights` bytes."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit == resource.RLIM_INFINITY:
        return True
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[5]) * PAGE
    return used + COPIES * weights < limit
