"""What happens to boxes after each of many changes to a picture: computed once, stored and measured."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from xai_core.detection.model import DetectionModel
from xai_core.detection.targets import ALWAYS_THERE, falls, nearest, whole_worths, worth_of_nearest
from xai_core.detector import Aspect, BoxTarget, Detections
from xai_core.families.perturbed import RememberedRows, named
from xai_core.types import Floats

FLOOR = 0.01  # minimum score in changed pictures, so that a falling score is tracked almost down to zero


class NearestBoxes(RememberedRows):
    """The corners and score of the box nearest to each target, after the changes 0, 1, 2, ... of one image.

    find: returns the detections after the changes start to stop - 1. settings: everything that determines the changes;
    the aspect and the IoU threshold are not among them, so changing those needs no pass.
    """

    def __init__(
        self,
        model: DetectionModel,
        image: Floats,
        targets: Sequence[BoxTarget],
        find: Callable[[int, int], list[Detections]],
        **settings: object,
    ) -> None:
        self._targets = len(targets)

        def ask(span: tuple[int, int]) -> Floats:
            return np.stack([nearest(boxes, targets).ravel() for boxes in find(*span)])

        super().__init__(model.ledger(named(settings | {"targets": digest(targets)}, image), 5 * len(targets)), ask)

    def detected(self, start: int, stop: int) -> Floats:
        """Return rows (stop - start, T, 5) in the format of `nearest`."""
        return self.rows(start, stop, lambda skip: (start + skip, stop)).reshape(-1, self._targets, 5)


class Falls:
    """How far an aspect of each target falls, or an edge moves, after changes.

    unchanged: the rows (T, 5) of `nearest` for the unchanged picture. whole: (T,) the aspect there. Raises ModelError
    if a target is not detected there.
    """

    def __init__(self, unchanged: Floats, targets: Sequence[BoxTarget], aspect: Aspect, least_iou: float) -> None:
        self._targets, self._aspect, self._least_iou = targets, aspect, least_iou
        self._measured = self._lost = 0
        self.whole = whole_worths(unchanged, targets, aspect, least_iou)

    def of(self, nearest: Floats) -> Floats:
        """Return the falls (n, T) for rows (n, T, 5) in the format of `nearest`."""
        values = worth_of_nearest(nearest, self._targets, self._aspect, self._least_iou)
        self._measured += values.size
        self._lost += int(np.isnan(values).sum())
        return falls(values, self._aspect, self.whole)

    @property
    def largest(self) -> Floats:
        """The unit of a fall, (T,): the whole value, or for an edge the side of the box along which it moves."""
        return self.whole if self._aspect in ALWAYS_THERE else np.ones_like(self.whole)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence if boxes were lost whose edges should have been measured."""
        if not self._lost or self._aspect in ALWAYS_THERE:
            return ()
        return (f"The box was lost after {self._lost} of {self._measured} changes; its edges count as unmoved there.",)


def digest(targets: Sequence[BoxTarget]) -> str:
    """Return a unique name for a sequence of targets."""
    return hashlib.sha256(repr(tuple(targets)).encode()).hexdigest()
