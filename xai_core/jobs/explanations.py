"""What the questions for classes and for boxes share: their answer is an estimate of maps."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from xai_core.errors import ModelError
from xai_core.jobs.checks import field, finite, listed, number, optional, text, texts
from xai_core.jobs.frames import Arrays, BadFrame, Frame
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import Doing, KeptQuestion, plain
from xai_core.jobs.steps import ENGINES_SECONDS
from xai_core.types import Card, Estimate

MOST_FIGURES = 64
Shape = tuple[int, int, int]
Steps = Iterator[Estimate | Doing]


class ExplanationQuestion(KeptQuestion[Estimate]):
    """Base of the questions whose answer is an estimate of maps, of the shape (T, H, W)."""

    sharpens = True

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """The shape of the maps: the number of targets, height and width."""

    def answer_to_frame(self, answer: Estimate) -> Frame:
        return estimate_to_frame(answer)

    def answer_from_frame(self, values: Any, arrays: Arrays, card: Card | None = None) -> Estimate:
        return estimate_from_frame(values, arrays, self.shape)

    def largest_answer(self, card: Card) -> int:
        return 2 * 4 * math.prod(self.shape)


def sound(steps: Iterator[Estimate]) -> Iterator[Estimate]:
    """Yield the steps of a method; ModelError if a map is not finite, or if there is none."""
    estimate = None
    for estimate in steps:
        error = estimate.standard_error
        if not np.isfinite(estimate.maps).all() or not (error is None or np.isfinite(error).all()):
            raise ModelError("The map holds values that are not numbers, so it is not drawn. Try other settings.")
        yield estimate
    if estimate is None:
        raise ModelError("The method ended without a map.")


def after_search(opened: Opened, search: Callable[[], object], steps: Iterator[Estimate]) -> Steps:
    """Look for the fastest engine before the first step, which pays for methods that ask for many forward passes."""
    yield Doing("engines")
    with opened.heartbeat.beating(ENGINES_SECONDS):
        search()
    yield Doing("")
    yield from steps


def estimate_to_frame(estimate: Estimate) -> Frame:
    """Return an estimate as JSON values and arrays; figures that are not finite become null."""
    arrays = [estimate.maps, *([] if estimate.standard_error is None else [estimate.standard_error])]
    figures = {name: list(map(_finite_or_none, each)) for name, each in estimate.diagnostics.items()}
    values = {"fraction": float(estimate.fraction), "diagnostics": figures, "notes": list(estimate.notes)}
    return values, list(map(plain, arrays))


def estimate_from_frame(values: Any, arrays: Arrays, shape: Shape) -> Estimate:
    """Read an estimate whose maps must have `shape` (T, H, W)."""
    if len(arrays) not in (1, 2):
        raise BadFrame("An estimate consists of maps and, optionally, their error.")
    maps, *error = (finite(array, shape) for array in arrays)
    fraction = number(field(values, "fraction"))
    if not 0 <= fraction <= 1:
        raise BadFrame(f"An estimate claims that {fraction} of the work is done.")
    figures = _diagnostics(field(values, "diagnostics"), targets=shape[0])
    return Estimate(fraction, maps, figures, error[0] if error else None, texts(field(values, "notes")))


def _diagnostics(values: Any, targets: int) -> dict[str, tuple[float | None, ...]]:
    if not isinstance(values, dict) or len(values) > MOST_FIGURES:
        raise BadFrame(f"Expected at most {MOST_FIGURES} diagnostics.")
    return {text(name): _figures(each, targets) for name, each in values.items()}


def _figures(values: Any, targets: int) -> tuple[float | None, ...]:
    if len(listed(values, targets)) != targets:
        raise BadFrame("A diagnostic has one figure for each target.")
    return tuple(optional(number, value) for value in values)


def _finite_or_none(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
