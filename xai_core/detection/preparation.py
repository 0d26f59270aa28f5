"""From a model file to a detector that is ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass

from xai_core.errors import DataError
from xai_core.labels import labels_for, read_labels
from xai_core.types import Card, ModelSource, Precision

BACKGROUND = ("__background__", "background", "bg", "_background_")


@dataclass(frozen=True)
class PreparedDetector:
    """A detector that is ready to be asked. labels: a name for each class. precision: of the passes that explain."""

    source: ModelSource
    card: Card
    labels: tuple[str, ...]
    precision: Precision = "float32"


def prepared_detector(source: ModelSource, card: Card) -> PreparedDetector:
    """Return a detector with the names of its classes."""
    return PreparedDetector(source, card, labels_for(card))


def read_detector_labels(data: bytes, classes: int, name: str) -> tuple[str, ...]:
    """Return names for classes from a file, with or without a first one for the background.

    Raises DataError where there are too few or too many.
    """
    try:
        return read_labels(data, classes, name)
    except DataError as error:
        try:
            first, *rest = read_labels(data, classes + 1, name)
        except DataError:
            raise error from None
        if first.strip().casefold() not in BACKGROUND:
            raise
        return tuple(rest)
