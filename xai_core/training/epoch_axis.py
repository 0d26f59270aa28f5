"""Align values recorded at training steps with the epochs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xai_core.types import Doubles, Indices

Points = tuple[Doubles, Doubles]  # steps (N,) in rising order, values (N,)
BATCHES = 2  # values per epoch from which they count as values of batches
EVENLY = "more values than epochs, so the steps were divided evenly and each epoch shows the mean of its share"
AS_RECORDED = "each epoch shows the mean of the steps recorded for it"


@dataclass(frozen=True)
class Axis:
    """The epochs by their names, and what is known about steps.

    steps_are_epochs: whether a step is the number of an epoch. numbered: whether there are steps at all. recorded:
    steps and the numbers of the epochs they belong to, if that was recorded too.
    """

    epochs: tuple[str, ...]
    steps_are_epochs: bool = False
    numbered: bool = True
    recorded: Points | None = None


@dataclass(frozen=True, eq=False)
class OnEpochs:
    """values: (E,), NaN where there is none. how: how they were aligned, if the user should know."""

    values: Doubles
    how: str = ""


def on_epochs(points: Points, axis: Axis) -> OnEpochs | None:
    """Return a curve with one value per epoch; None if it does not fit.

    As many values as epochs are used in order. Steps that are the numbers of epochs are aligned by number; several of
    one epoch are averaged. Other values, at least two per epoch, are those of batches: they are aligned by the epoch
    recorded for their step, else the range of steps is cut into as many equal parts as there are epochs, and each part
    is averaged.
    """
    steps, values = points
    count = len(axis.epochs)
    if len(values) == count:
        return OnEpochs(values)
    if axis.recorded is not None and (curve := _as_recorded(points, axis)) is not None:
        return curve
    of_batches = len(values) >= BATCHES * count and steps[-1] > steps[0] and not _are_epochs(steps, axis)
    if axis.numbered and (axis.steps_are_epochs or not of_batches):
        curve = _by_number(points, axis)
        if curve is not None or (steps == np.round(steps)).all():
            return curve
    return OnEpochs(_means(_parts(steps, count), values, count), EVENLY) if of_batches else None


def _are_epochs(steps: Doubles, axis: Axis) -> bool:
    """Whether steps are clearly epochs: all epochs occur, and no step lies beyond their neighbours."""
    numbers = np.sort([_number(name) for name in axis.epochs])
    gap = np.diff(numbers).max(initial=1)
    within = steps[0] > numbers[0] - gap and steps[-1] < numbers[-1] + gap
    return bool(axis.numbered and within and np.isin(numbers, steps).all())


def _by_number(points: Points, axis: Axis) -> OnEpochs | None:
    """Return values by the number of their epoch, if all epochs occur or all values belong to one."""
    steps, values = points
    places = _places(steps, axis)
    known = places[places >= 0]
    if not len(known) or (len(set(known.tolist())) < len(axis.epochs) and len(known) < len(values)):
        return None
    several = len(known) > len(set(known.tolist()))
    return OnEpochs(_means(places, values, len(axis.epochs)), AS_RECORDED if several else "")


def _as_recorded(points: Points, axis: Axis) -> OnEpochs | None:
    """Return values by the epoch that was last recorded at or before their step."""
    assert axis.recorded is not None
    steps, numbers = axis.recorded
    last = np.clip(np.searchsorted(steps, points[0], "right") - 1, 0, len(steps) - 1)
    places = _places(numbers[last], axis)
    if (places < 0).all():
        return None
    return OnEpochs(_means(places, points[1], len(axis.epochs)), AS_RECORDED)


def _places(numbers: Doubles, axis: Axis) -> Indices:
    """Return the position of each number among the epochs, (N,), -1 if it is not one of them."""
    known = {_number(name): place for place, name in enumerate(axis.epochs)}
    return np.array([known.get(number, -1) for number in numbers.tolist()], np.int64)


def _parts(steps: Doubles, count: int) -> Indices:
    """Return in which of `count` equal parts of the whole range each step lies, (N,)."""
    first, last = float(steps[0]), float(steps[-1])
    gap = (last - first) / (len(steps) - 1)
    shares = (steps - first + gap / 2) / (last - first + gap)
    return np.clip((shares * count).astype(np.int64), 0, count - 1)


def _means(places: Indices, values: Doubles, count: int) -> Doubles:
    """Return the mean of the values at each place (count,), NaN where there is none."""
    known = (places >= 0) & np.isfinite(values)
    sums, numbers = (np.bincount(places[known], weights, count) for weights in (values[known], None))
    means: Doubles = np.divide(sums, numbers, out=np.full(count, np.nan), where=numbers > 0)
    return means


def _number(epoch: str) -> float:
    try:
        return float(epoch)
    except ValueError:
        return float("nan")
