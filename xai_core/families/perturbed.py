"""Raw outputs for the numbered perturbed pictures of a run, computed once and remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from xai_core.families.noise import Stopping
from xai_core.model import Ledger, Model
from xai_core.types import Floats

KNOWN_A_PREVIEW = 512  # remembered rows take no forward pass, so one preview covers many of them


class RememberedRows:
    """The answers, as rows, to questions numbered 0, 1, 2, ...; computed if the ledger does not have them.

    ask: turns questions into rows (n, K). Batches start at the same numbers whether rows are remembered or computed,
    so a sum over batches is the same in either case, bit for bit.
    """

    def __init__(self, ledger: Ledger, ask: Callable[[Any], Floats]) -> None:
        self._ledger, self._ask = ledger, ask
        self._known = len(ledger)

    def rows(self, start: int, stop: int, questions: Callable[[int], Any]) -> Floats:
        """Return the rows (stop - start, K); `questions(skip)` makes the questions after the first `skip`."""
        seam = min(max(start, self._known), stop)
        if seam == stop:
            return self._ledger.rows(start, stop)
        fresh = self._ask(questions(seam - start))
        self._ledger.append(fresh)
        return fresh if seam == start else np.concatenate([self._ledger.rows(start, seam), fresh])

    def batches(
        self, first: int, end: int, size: int, stopping: Stopping | None = None
    ) -> Iterator[tuple[int, int, bool]]:
        """Yield (start, stop, worth a preview) from `first` to `end`.

        stopping: a batch also ends, and is worth a preview, wherever noise is checked.
        """
        start = shown = first
        while start < end:
            check = stopping.next_check(start) if stopping else end
            stop = min(start + size, check, end)
            worth = stop in (check, end) or stop > self._known or stop - shown >= KNOWN_A_PREVIEW
            shown = stop if worth else shown
            yield start, stop, worth
            start = stop


class PerturbedOutputs(RememberedRows):
    """A model's raw outputs for the perturbed pictures 0, 1, 2, ... of one image.

    `settings` name everything that determines those pictures. ask: turns them into raw outputs (n, K), if that is not
    the model as a whole.
    """

    def __init__(
        self, model: Model, image: Floats, ask: Callable[[Floats], Floats] | None = None, **settings: object
    ) -> None:
        super().__init__(model.ledger(named(settings, image)), ask or model.outputs)


def named(settings: Mapping[str, object], image: Floats) -> str:
    """Return a unique name for the perturbed pictures of an image."""
    return f"{dict(settings)} {image.shape} {hashlib.sha256(image.tobytes()).hexdigest()}"
