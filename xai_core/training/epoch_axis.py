"""Values that were written down at some steps of a training, brought to its epochs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xai_core.types import Doubles

Points = tuple[Doubles, Doubles]  # steps (N,) in rising order, values (N,)
BATCHES = 2  # values an epoch from which they are taken for those of batches
EVENLY = "more values than epochs, so the steps are spread evenly over the epochs, and each shows the mean of its steps"
AS_NOTED = "each epoch shows the mean of the steps that were noted for it"


@dataclass(frozen=True)
class Axis:
    """The epochs by their names, and what is known of steps.

    steps_are_epochs: whether a step is the number of an epoch. numbered: whether steps were given at all. noted: steps
    and the numbers of the epochs that they belong to, where that was written down too.
    """

    epochs: tuple[str, ...]
    steps_are_epochs: bool = False
    numbered: bool = True
    noted: Points | None = None


@dataclass(frozen=True, eq=False)
class OnEpochs:
    """values: (E,), NaN where there is none. how: in words, where a person should know."""

    values: Doubles
    how: str = ""


def on_epochs(points: Points, axis: Axis) -> OnEpochs | None:
    """Return a curve as one value an epoch; None where it does not fit.

    As many values as epochs are taken in their order. Steps that are numbers of epochs go by them, several of one epoch
    by their mean. Other values, at least two an epoch, are those of batches: they go by the epoch that was noted for
    their step, else the range of steps is cut into as many equal parts as there are epochs; each part's mean counts.
    """
    steps, values = points
    count = len(axis.epochs)
    if len(values) == count:
        return OnEpochs(values)
    if axis.noted is not None and (found := _as_noted(points, axis)) is not None:
        return found
    of_batches = len(values) >= BATCHES * count and steps[-1] > steps[0] and not _are_epochs(steps, axis)
    if axis.numbered and (axis.steps_are_epochs or not of_batches):
        found = _by_number(points, axis)
        if found is not None or (steps == np.round(steps)).all():
            return found
    return OnEpochs(_means(_parts(steps, count), values, count), EVENLY) if of_batches else None


def _are_epochs(steps: Doubles, axis: Axis) -> bool:
    """Whether steps are plainly epochs: every one that is looked at is there, and none lies beyond their neighbours."""
    numbers = np.sort([_number(name) for name in axis.epochs])
    gap = np.diff(numbers).max(initial=1)
    within = steps[0] > numbers[0] - gap and steps[-1] < numbers[-1] + gap
    return bool(axis.numbered and within and np.isin(numbers, steps).all())


def _by_number(points: Points, axis: Axis) -> OnEpochs | None:
    """Return values by the number of their epoch, where all epochs are there or all values are of one."""
    steps, values = points
    places = _places(steps, axis)
    known = places[places >= 0]
    if not len(known) or (len(set(known.tolist())) < len(axis.epochs) and len(known) < len(values)):
        return None
    several = len(known) > len(set(known.tolist()))
    return OnEpochs(_means(places, values, len(axis.epochs)), AS_NOTED if several else "")


def _as_noted(points: Points, axis: Axis) -> OnEpochs | None:
    """Return values by the epoch that was last noted at or before their step."""
    assert axis.noted is not None
    steps, numbers = axis.noted
    last = np.clip(np.searchsorted(steps, points[0], "right") - 1, 0, len(steps) - 1)
    places = _places(numbers[last], axis)
    if (places < 0).all():
        return None
    return OnEpochs(_means(places, points[1], len(axis.epochs)), AS_NOTED)


def _places(numbers: Doubles, axis: Axis) -> np.ndarray:
    """Return the place among the epochs of each number, (N,), -1 where it is none of them."""
    known = {_number(name): place for place, name in enumerate(axis.epochs)}
    return np.array([known.get(number, -1) for number in numbers.tolist()], np.int64)


def _parts(steps: Doubles, count: int) -> np.ndarray:
    """Return in which of so many equal parts of the whole range each step lies, (N,)."""
    first, last = float(steps[0]), float(steps[-1])
    gap = (last - first) / (len(steps) - 1)
    shares = (steps - first + gap / 2) / (last - first + gap)
    return np.clip((shares * count).astype(np.int64), 0, count - 1)


def _means(places: np.ndarray, values: Doubles, count: int) -> Doubles:
    """Return the mean of the values at each place (count,), NaN where there is none."""
    known = (places >= 0) & np.isfinite(values)
    sums, numbers = (np.bincount(places[known], weights, count) for weights in (values[known], None))
    found: Doubles = np.divide(sums, numbers, out=np.full(count, np.nan), where=numbers > 0)
    return found


def _number(epoch: str) -> float:
    try:
        return float(epoch)
    except ValueError:
        return float("nan")
