"""Modules with several outputs: choose the one that holds the class scores, or ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.probes import in_batches, noise, trials
from model_adapters.common.score_outputs import NOTE, apart, asking, described, distinct
from model_adapters.pytorch.answers import SeveralOutputs, Steps, errors_in_words, outputs_of, rows
from model_adapters.pytorch.network import TorchNetwork
from model_adapters.pytorch.probes import ask
from xai_core.types import Capability, Card, FileKind, InputSpec

TRIED = 2  # pictures
Find = Callable[[Any], tuple[InputSpec, tuple[str, ...]]]


class Chosen(torch.nn.Module):  # type: ignore[misc]
    """A module with one of its outputs."""

    def __init__(self, whole: Any, steps: Steps) -> None:
        super().__init__()
        self.whole, self._steps = whole, steps

    def forward(self, pictures: Any) -> Any:
        return _at(self.whole(pictures), self._steps)


class SideBySide(torch.nn.Module):  # type: ignore[misc]
    """A module with the rows of several outputs next to each other."""

    def __init__(self, whole: Any, paths: Mapping[str, Steps]) -> None:
        super().__init__()
        self.whole, self._paths = whole, dict(paths)

    def forward(self, pictures: Any) -> Any:
        output = self.whole(pictures)
        return torch.cat([rows(_at(output, steps)).float() for steps in self._paths.values()], 1)


def _at(output: Any, steps: Steps) -> Any:
    for step in steps:
        output = output[step]
    return output


@dataclass(frozen=True)
class Resolved:
    """What a module takes, and the steps to its scores.

    notes: sentences. steps: () if there is nothing to choose. undecided: the network that asks, if it must be asked.
    """

    spec: InputSpec
    notes: tuple[str, ...]
    steps: Steps = ()
    undecided: TorchNetwork | None = None


def resolve(module: Any, choice: OutputChoice, find: Find, kind: FileKind) -> Resolved:
    """Find which output of a module holds its scores, and the input that it takes, by `find`.

    ParamError if the chosen output cannot hold the scores; UnsupportedModel if `find` takes no picture.
    """
    try:
        spec, notes = find(module)
    except SeveralOutputs as several:
        return _resolved(module, several.paths, choice, find, kind)
    if choice.output:
        choice.among(_shapes(module, spec))
    return Resolved(spec, notes)


def _resolved(module: Any, paths: dict[str, Steps], choice: OutputChoice, find: Find, kind: FileKind) -> Resolved:
    if choice.output:
        return _of(module, choice.among(paths), paths, *find(Chosen(module, paths[choice.output])))
    beside = SideBySide(module, paths)
    spec, notes = find(beside)
    shapes = _shapes(module, spec)
    rows_beside = [in_batches(partial(ask, beside), spec.batch, inputs) for inputs in trials(spec)]
    answers = apart(rows_beside, list(paths), shapes)
    names = distinct(answers)
    if len(names) == 1:
        return _of(module, names[0], paths, spec, notes)
    outputs = described(answers, names, shapes)
    card = asking(Card("pytorch", kind.format, 0, spec, Capability.PREDICT, notes=kind.notes), outputs)
    kept = {name: paths[name] for name in names}
    return Resolved(spec, notes, undecided=TorchNetwork(SideBySide(module, kept), card))


def _of(module: Any, name: str, paths: dict[str, Steps], spec: InputSpec, notes: tuple[str, ...]) -> Resolved:
    count = len(_shapes(module, spec))
    return Resolved(spec, (*notes, NOTE.format(count=count, name=name[:40])), paths[name])


def _shapes(module: Any, spec: InputSpec) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all outputs for a batch of two, or of the one picture that a module takes."""
    pictures = torch.from_numpy(noise(spec, spec.batch or TRIED)).permute(0, 3, 1, 2).contiguous()
    with errors_in_words(pictures), torch.inference_mode(), torch.jit.optimized_execution(False):
        return {name: tuple(tensor.shape) for name, (_, tensor) in outputs_of(module(pictures)).items()}
