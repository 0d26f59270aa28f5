"""What becomes of boxes after each of many changes to a picture: asked for once, remembered, and measured."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from xai_core.detection.model import DetectionModel
from xai_core.detection.targets import ALWAYS_THERE, falls, nearest, whole_worths, worth_of_nearest
from xai_core.detector import Aspect, BoxTarget, Detections
from xai_core.families.perturbed import RememberedRows, named
from xai_core.types import Floats

FLOOR = 0.01  # least score in changed pictures: a score that falls is followed until next to nothing is left


class NearestBoxes(RememberedRows):
    """The corners and score of the box nearest to each target after the changes 0, 1, 2, ... of one image.

    find: what is found after each change from the first to before the last. `settings` name all that determines the
    changes. No aspect and no least IoU is among them, so another one costs no pass.
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
            return np.stack([nearest(found, targets).ravel() for found in find(*span)])

        super().__init__(model.ledger(named(settings | {"targets": digest(targets)}, image), 5 * len(targets)), ask)

    def found(self, start: int, stop: int) -> Floats:
        """Return rows (stop - start, T, 5) as `nearest` has them."""
        return self.rows(start, stop, lambda skip: (start + skip, stop)).reshape(-1, self._targets, 5)


class Falls:
    """How far an aspect of each target falls, or how far an edge moves, after changes.

    unchanged: what `nearest` gives of the unchanged picture, (T, 5). whole: (T,) the aspect there. Raises ModelError
    where a target is not found there.
    """

    def __init__(self, unchanged: Floats, targets: Sequence[BoxTarget], aspect: Aspect, least_iou: float) -> None:
        self._targets, self._aspect, self._least_iou = targets, aspect, least_iou
        self._asked = self._lost = 0
        self.whole = whole_worths(unchanged, targets, aspect, least_iou)

    def of(self, nearest: Floats) -> Floats:
        """Return the falls (n, T) of rows (n, T, 5) as `nearest` has them."""
        values = worth_of_nearest(nearest, self._targets, self._aspect, self._least_iou)
        self._asked += values.size
        self._lost += int(np.isnan(values).sum())
        return falls(values, self._aspect, self.whole)

    @property
    def largest(self) -> Floats:
        """What a fall is a share of, (T,): the whole, or for an edge the side of the box along which it moves."""
        return self.whole if self._aspect in ALWAYS_THERE else np.ones_like(self.whole)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence where boxes were lost whose edges were to be measured."""
        if not self._lost or self._aspect in ALWAYS_THERE:
            return ()
        return (
            f"The box was lost after {self._lost} of {self._asked} changes; there its edges count as where they were.",
        )


def digest(targets: Sequence[BoxTarget]) -> str:
    """Return a name for some targets that no others share."""
    return hashlib.sha256(repr(tuple(targets)).encode()).hexdigest()
