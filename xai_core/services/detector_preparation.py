"""From a model file to a detector that is ready for questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xai_core.jobs.base import Job, Runner
from xai_core.labels import labels_for
from xai_core.services.preparation import in_background, opened
from xai_core.types import Card, ModelSource, Precision


@dataclass(frozen=True)
class PreparedDetector:
    """A detector that is ready for questions. labels: a name for each class. precision: of forward passes."""

    source: ModelSource
    card: Card
    labels: tuple[str, ...]
    precision: Precision = "float32"


def prepared_detector(source: ModelSource, card: Card, labels: Sequence[str] = ()) -> PreparedDetector:
    """Return a detector with names for its classes: `labels` if their number fits, otherwise those of its file."""
    return PreparedDetector(source, card, tuple(labels) if len(labels) == card.classes else labels_for(card))


def prepare_detector_in_background(
    runner: Runner, source: ModelSource, labels: Sequence[str] = ()
) -> Job[PreparedDetector]:
    """Open a detector in the background; a cancel does not end its process."""
    return in_background(lambda tell: prepared_detector(source, opened(runner, source, tell), labels))
