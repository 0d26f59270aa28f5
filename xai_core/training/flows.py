"""Follow pictures from class to class between epochs.

Source: Pühringer, Hinterreiter, Streit, InstanceFlow, 2020, arXiv 2007.11353.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from xai_core.training.history import NO_DATA, History
from xai_core.training.measures import counted
from xai_core.types import Indices

MOST_EPOCHS = 12
OTHER = "other classes"


@dataclass(frozen=True, eq=False)
class Flow:
    """How pictures moved between classes over some epochs of a history.

    epochs: the numbers of S epochs. classes: the numbers of the classes shown separately; the others, if any, are
    merged into one more, `OTHER`. labels: the k names. matrices: (S - 1, k, k) pictures from a class (row) to a class
    (column).
    """

    epochs: tuple[int, ...]
    classes: tuple[int, ...]
    labels: tuple[str, ...]
    matrices: Indices


def flow_matrix(history: History, first: int, second: int) -> Indices:
    """Return how many pictures moved from a class (row) in one epoch to a class (column) in another, (K, K)."""
    return counted(history.predictions[:, first], history.predictions[:, second], len(history.labels))


def flow(history: History, epochs: int = MOST_EPOCHS, classes: int = MOST_EPOCHS) -> Flow:
    """Return the flow over at most `epochs` epochs, with at most `classes` classes shown: those that changed most."""
    chosen = spread(len(history.epochs), epochs)
    kept = _busiest(history, chosen, classes)
    labels = tuple(history.labels[label] for label in kept)
    if len(kept) < len(history.labels):
        labels = (*labels, OTHER)
    places = np.full(len(history.labels) + 1, len(kept))  # the last place is for no data, number -1
    places[list(kept)] = np.arange(len(kept))
    places[NO_DATA] = NO_DATA
    numbers = places[history.predictions[:, chosen]]
    matrices = [counted(here, there, len(labels)) for here, there in zip(numbers.T[:-1], numbers.T[1:], strict=True)]
    shape = (max(len(chosen) - 1, 0), len(labels), len(labels))
    return Flow(chosen, kept, labels, np.array(matrices, np.int64).reshape(shape))


def spread(count: int, most: int) -> tuple[int, ...]:
    """Return at most `most` evenly spaced numbers from 0 to `count` - 1, including the first and the last."""
    return tuple(np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist())


def _busiest(history: History, epochs: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Return the classes that most pictures left or entered, in order; all classes if there are few."""
    classes = len(history.labels)
    if classes <= most:
        return tuple(range(classes))
    moved = np.zeros(classes)
    for first, second in pairwise(epochs):
        matrix = flow_matrix(history, first, second)
        moved += matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diag(matrix)
    return tuple(sorted(np.argsort(-moved, kind="stable")[:most].tolist()))
