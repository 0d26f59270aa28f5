"""The predictions that a tab compares, and what was computed from them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Container
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from vitrine.ui import uploads
from vitrine.ui.drawing.memo import Memo
from vitrine.ui.session import Key
from xai_core.bias.predictions import Predictions
from xai_core.bias.proposal import Proposal
from xai_core.jobs.base import Job

if TYPE_CHECKING:  # these need pandas, which no other page does
    from xai_core.bias.picture_set import PictureSet
    from xai_core.services.bias_predictions import PredictionsJob

MOST_HELD = 6
KEPT_FIGURES, KEPT_PARTS, KEPT_BYTES = 200, 2 * MOST_HELD, 512 << 20
Figure = TypeVar("Figure")


@dataclass(eq=False)
class Held:
    """Predictions with a fixed number, a name that may change, and their pictures if the tab has them.

    of_one_label: whether they judge one label of a model that predicts several.
    """

    number: int
    name: str
    predictions: Predictions
    pictures: PictureSet | None = None
    of_one_label: bool = False


@dataclass(frozen=True)
class Table:
    """An uploaded table of predictions. labels: the classes in the model's order, if given. number: tells it apart."""

    data: bytes
    name: str
    labels: tuple[str, ...] | None = None
    number: int = 0


@dataclass
class BiasSlot:
    """What the Bias page holds.

    fault: why the last file could not be read, for the user. table: that file, if it can be read once its rows are
    normalised, or its columns are chosen as in `proposal`. archive: uploaded pictures that cannot be read yet, with
    their name. asking: the job that predicts `pictures`. figures, parts: computed results, by key.
    """

    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    held: dict[int, Held] = field(default_factory=dict)
    fault: str | None = None
    table: Table | None = None
    proposal: Proposal | None = None
    archive: tuple[Path, str] | None = None
    pictures: PictureSet | None = None
    asking: PredictionsJob | None = None
    files_uploaded: int = 0
    figures: Memo = field(default_factory=lambda: Memo(KEPT_FIGURES, _cancel))
    parts: Memo = field(default_factory=lambda: Memo(KEPT_PARTS))
    _numbers: count[int] = field(default_factory=count)

    @property
    def full(self) -> bool:
        """Whether the tab holds as many predictions as it can."""
        return len(self.held) >= MOST_HELD

    def hold(self, predictions: Predictions, pictures: PictureSet | None = None, *, of_one_label: bool = False) -> None:
        """Add predictions; pictures without a name are named by row."""
        number = next(self._numbers)
        if predictions.files is None:
            rows = np.array([f"row {row + 1}" for row in range(len(predictions))], np.str_)
            predictions = replace(predictions, files=rows)
        self.held[number] = Held(number, self.free_name(predictions.name), predictions, pictures, of_one_label)
        self.fault = self.table = self.proposal = None

    def drop(self, number: int) -> None:
        """Forget predictions and everything computed from them."""
        self.held.pop(number, None)
        self.stop_work(but={key[:-1] for key in self.figures if key[0] != number})
        for kept in (self.figures, self.parts):
            for key in [key for key in kept if key[0] == number]:
                del kept[key]

    def free_name(self, name: str, but: int | None = None) -> str:
        """Return a name that is not taken."""
        taken = {held.name for held in self.held.values() if held.number != but}
        candidates = chain([name], (f"{name} ({number})" for number in count(2)))
        return next(candidate for candidate in candidates if candidate not in taken)

    def once(self, key: Key, work_out: Callable[[], Figure]) -> Figure:
        """Return a figure, computed on first use; its key starts with the number of the predictions."""
        return self.figures.once(key, work_out)

    def part(self, key: Key, work_out: Callable[[], Predictions]) -> Predictions:
        """Return a subset of the predictions, selected on first use; its key starts with their number."""
        part = self.parts.once(key, work_out)
        while len(self.parts) > 1 and sum(map(_bytes, self.parts.values())) > KEPT_BYTES:
            self.parts.popitem(last=False)
        return part

    def stop_work(self, but: Container[Key] = ()) -> None:
        """Cancel and forget background work, except for the keys in `but`."""
        for key, job in list(self.figures.items()):
            if isinstance(job, Job) and key[:-1] not in but and not job.state.ended:
                job.cancel()
                self.figures.pop(key, None)

    def begin(self, key: Key, job: Job[Any]) -> None:
        """Keep a background job, and cancel the one that it replaces."""
        before = self.figures.pop(key, None)
        if isinstance(before, Job):
            before.cancel()
        self.once(key, lambda: job)

    def stop(self) -> None:
        """Cancel the predictions and all background work."""
        if self.asking is not None:
            self.asking.cancel()
        self.stop_work()

    def leave(self) -> None:
        """Cancel everything and delete this tab's files."""
        self.stop()
        uploads.forget(self.owner)


def _bytes(predictions: Predictions) -> int:
    return 0 if predictions.probabilities is None else int(predictions.probabilities.nbytes)


def _cancel(kept: object) -> None:
    if isinstance(kept, Job):
        kept.cancel()
