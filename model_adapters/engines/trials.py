"""Judge an engine: how its answers compare with the native ones, and how long it takes."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_adapters.common.probes import UNITS, natural, noise
from xai_core.errors import OutOfMemory
from xai_core.types import Engine, Floats, InputSpec, Precision

TOLERANCE = 1e-4  # of the greatest output; float32 rounding stays far below, a misread layer lies far above
LEAST_AGREEMENT = 0.5
MOST_PICTURES, LEAST_PICTURES = 4, 2  # of each kind
BATCH = 12
ROUNDS = 3
VARIATIONS = 4  # of each of the user's own pictures
TINY, LARGEST = 1e-30, 1e9
STOPPED = "It stopped with an error."
NO_NUMBERS = "It returns values that are not numbers."
NOTHING_TO_COMPARE = "The model's own answers to the trial pictures are not numbers, so there is nothing to compare."
SECONDS = 0.3  # spent on one kind of pictures and on a batch, so that slow models still respond soon


@dataclass(frozen=True)
class Candidate:
    """One way to get raw outputs (N, K) for inputs (N, H, W, C)."""

    name: str
    precision: Precision
    answer: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Trial:
    """How an engine did.

    milliseconds: per picture; None if it was not timed, and then the other figures mean nothing either. fault: a
    sentence if it gave no answers that can be compared.
    """

    candidate: Candidate
    max_difference: float = 0.0
    top1_agreement: float = 0.0
    milliseconds: float | None = None
    fault: str = ""

    @property
    def objection(self) -> str:
        """Why the engine must not be used, as a sentence; "" if it may be."""
        if self.fault:
            return self.fault
        if self.candidate.precision == "float32":
            if self.max_difference > TOLERANCE or self.top1_agreement < 1:
                return f"Its answers differ by up to {self.max_difference:.2g} of the largest one."
        elif self.top1_agreement < LEAST_AGREEMENT:
            return f"It predicts a different class on {1 - self.top1_agreement:.0%} of the trial pictures."
        return ""


def tried(native: Candidate, others: Sequence[Candidate], spec: InputSpec, own: Floats | None = None) -> list[Trial]:
    """Try all engines alternately on the same pictures; the first trial is the native engine's.

    own: the user's pictures as inputs (N, H, W, C); if there are any, top classes are compared on them.
    """
    first = noise(spec, 1)
    native.answer(first)
    pictures = SECONDS / _seconds(native, first)
    count = int(np.clip(pictures, LEAST_PICTURES, MOST_PICTURES))
    batches = [*_batches(spec, count), *([] if own is None else varied(own[:count]))]
    judged = slice(-VARIATIONS, None) if own is not None and len(own) else slice(None)
    expected = [native.answer(batch) for batch in batches]
    trials = [_compared(native, expected, expected, judged)]
    trials += [_trial_of(candidate, batches, expected, judged) for candidate in others]
    batch = _bearable(native, noise(spec, int(np.clip(pictures, 1, BATCH))))
    paces = _paces([trial.candidate for trial in trials if not trial.fault], batch)
    return [_paced(trial, paces) for trial in trials]


def chosen(trials: Sequence[Trial]) -> dict[Precision, Trial]:
    """Return the fastest engine of each precision that may be used; bfloat16 only if it is faster than float32."""

    def best(precision: Precision) -> Trial | None:
        usable = [trial for trial in trials if trial.candidate.precision == precision and not trial.objection]
        return min(usable, key=_pace, default=None)

    exact, rough = best("float32") or trials[0], best("bfloat16")
    if rough is None or _pace(rough) >= _pace(exact):
        return {"float32": exact}
    return {"float32": exact, "bfloat16": rough}


def _pace(trial: Trial) -> float:
    return math.inf if trial.milliseconds is None else trial.milliseconds


def as_engines(trials: Sequence[Trial], best: dict[Precision, Trial]) -> list[Engine]:
    """Return the tried engines for display, each with the reason why it is not used."""
    return [_as_engine(trial, best.get(trial.candidate.precision)) for trial in trials]


def missing(name: str, precision: Precision, reason: str) -> Engine:
    """Return an engine that could not be tried."""
    return Engine(name, precision, None, None, None, False, reason)


def _as_engine(trial: Trial, best: Trial | None) -> Engine:
    reason, candidate = "" if trial is best else trial.objection or "It is slower.", trial.candidate
    if trial.milliseconds is None:
        return Engine(candidate.name, candidate.precision, None, None, None, trial is best, reason)
    figures = trial.max_difference, trial.top1_agreement, trial.milliseconds
    return Engine(candidate.name, candidate.precision, *figures, trial is best, reason)


def _batches(spec: InputSpec, count: int) -> list[Floats]:
    batches = [noise(spec, count), *(natural(spec, units, count) for units in UNITS)]
    return [*batches, batches[1][:1]]  # one picture alone: some graphs only take the batch size they were made with


def varied(own: Floats) -> list[Floats]:
    """Return `VARIATIONS` batches: the pictures (N, H, W, C), mirrored, and with the left or right half hidden."""
    middle = own.shape[2] // 2
    left, right = own.copy(), own.copy()
    left[:, :, :middle] = right[:, :, middle:] = own.mean()
    return [own, np.ascontiguousarray(own[:, :, ::-1]), left, right]


def _trial_of(candidate: Candidate, batches: list[Floats], expected: list[Floats], judged: slice) -> Trial:
    try:
        return _compared(candidate, [candidate.answer(batch) for batch in batches], expected, judged)
    except Exception as error:  # an engine may raise anything; the native one still works
        traceback.print_exception(error)
        return Trial(candidate, fault=STOPPED)


def _compared(candidate: Candidate, answers: list[Floats], expected: list[Floats], judged: slice) -> Trial:
    pairs = list(zip(answers, expected, strict=True))
    if any(a.shape != b.shape or not np.isfinite(a).all() for a, b in pairs):
        return Trial(candidate, fault=NO_NUMBERS)
    if not all(np.isfinite(b).all() for _, b in pairs):
        return Trial(candidate, fault=NOTHING_TO_COMPARE)
    largest = max(float(np.abs(a - b).max() / max(np.abs(b).max(), TINY)) for a, b in pairs)
    half = 0.5 if all(((b >= 0) & (b <= 1)).all() for _, b in pairs) else 0.0
    same = np.concatenate([_first(a, half) == _first(b, half) for a, b in pairs[judged]])
    return Trial(candidate, min(largest, LARGEST), float(same.mean()))


def _first(rows: Floats, half: float) -> NDArray[Any]:
    """Return the top class of each row (N, K); for a single class, whether its score is above `half`."""
    return np.asarray(rows.argmax(axis=1) if rows.shape[1] > 1 else rows[:, 0] > half)


def _bearable(native: Candidate, batch: Floats) -> Floats:
    """Return the batch, or as much of it as fits the native engine's memory; this also sets the engine up for it."""
    while True:
        try:
            native.answer(batch)
            return batch
        except (OutOfMemory, MemoryError):
            if len(batch) < 2:
                raise
        batch = batch[: len(batch) // 2]  # outside of `except`, so that the failed run's memory is freed


def _paces(candidates: Sequence[Candidate], batch: Floats) -> dict[Candidate, float]:
    """Return milliseconds per picture in the best round, as other work only adds time; omit engines that raise."""
    rounds: dict[Candidate, list[float]] = {candidate: [] for candidate in candidates}
    until = time.perf_counter() + ROUNDS * SECONDS * len(candidates)
    count = 0
    while count <= ROUNDS and (count < 2 or time.perf_counter() < until):
        taken = {candidate: _seconds_or_none(candidate, batch) for candidate in rounds}
        rounds = {
            candidate: [*rounds[candidate], seconds] for candidate, seconds in taken.items() if seconds is not None
        }
        count += 1
    # The first round is left out: it sets the engines up.
    return {candidate: 1000 * min(times[1:]) / len(batch) for candidate, times in rounds.items()}


def _paced(trial: Trial, paces: dict[Candidate, float]) -> Trial:
    if trial.fault:
        return trial
    pace = paces.get(trial.candidate)
    return replace(trial, fault=STOPPED) if pace is None else replace(trial, milliseconds=pace)


def _seconds_or_none(candidate: Candidate, batch: Floats) -> float | None:
    try:
        return _seconds(candidate, batch)
    except Exception as error:  # an engine may raise anything
        traceback.print_exception(error)
        return None


def _seconds(candidate: Candidate, batch: Floats) -> float:
    begun = time.perf_counter()
    candidate.answer(batch)
    return time.perf_counter() - begun
