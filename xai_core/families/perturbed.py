"""Raw outputs of the numbered perturbed pictures of a run, asked for once and remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from xai_core.model import Ledger, Model
from xai_core.types import Floats

KNOWN_A_PREVIEW = 512  # remembered rows take no forward pass, so a preview stands for many of them


class RememberedRows:
    """The rows that numbered questions 0, 1, 2, ... are answered with, asked for where the ledger has them not.

    ask: what turns questions into rows (n, K). Batches start at multiples of their size, whether their rows are
    remembered or asked for; so a sum over batches comes out the same, bit for bit, in either case.
    """

    def __init__(self, ledger: Ledger, ask: Callable[[Any], Floats]) -> None:
        self._ledger, self._ask = ledger, ask
        self._known = len(ledger)

    def rows(self, start: int, stop: int, questions: Callable[[int], Any]) -> Floats:
        """Return the rows (stop - start, K); `questions(skip)` makes the questions after the first `skip`."""
        seam = min(max(start, self._known), stop)
        if seam == stop:
            return self._ledger.rows(start, stop)
        asked = self._ask(questions(seam - start))
        self._ledger.append(asked)
        return asked if seam == start else np.concatenate([self._ledger.rows(start, seam), asked])

    def batches(self, first: int, end: int, size: int) -> Iterator[tuple[int, int, bool]]:
        """Yield (start, stop, worth a preview) from `first` to `end`."""
        shown = first
        for start in range(first, end, size):
            stop = min(start + size, end)
            worth = stop == end or stop > self._known or stop - shown >= KNOWN_A_PREVIEW
            shown = stop if worth else shown
            yield start, stop, worth


class PerturbedOutputs(RememberedRows):
    """What a model answers to the perturbed pictures 0, 1, 2, ... of one image.

    `settings` name all that determines those pictures. ask: what turns them into raw outputs (n, K), where that is not
    the model as a whole.
    """

    def __init__(
        self, model: Model, image: Floats, ask: Callable[[Floats], Floats] | None = None, **settings: object
    ) -> None:
        super().__init__(model.ledger(named(settings, image)), ask or model.outputs)


def named(settings: Mapping[str, object], image: Floats) -> str:
    """Return a name for the perturbed pictures of an image that no others share."""
    return f"{dict(settings)} {image.shape} {hashlib.sha256(image.tobytes()).hexdigest()}"
