"""What a page asks about a picture, the runs that answer it, and the further jobs that check a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from vitrine.ui import session
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.slots.model import ModelSlot
from xai_core.jobs.base import Job
from xai_core.jobs.question import Question
from xai_core.method import Catalogued
from xai_core.pictures.files import Picture
from xai_core.pictures.overlays import Look
from xai_core.report import Report
from xai_core.services.detector_preparation import PreparedDetector
from xai_core.services.preparation import Prepared
from xai_core.types import Conditions, Estimate, Floats

AnyMethod = TypeVar("AnyMethod", bound=Catalogued)


@dataclass(frozen=True, eq=False)
class Inquiry(ABC, Generic[AnyMethod]):
    """A method asked about some targets in a picture: classes, or boxes.

    side_by_side: whether the checks of its run are shown side by side, or one below the other. randomises: whether
    the run can be checked with a random last layer, if the model allows it.
    """

    prepared: Prepared | PreparedDetector
    picture: Picture
    method: AnyMethod
    side_by_side: ClassVar[bool]
    randomises: ClassVar[bool]

    @property
    @abstractmethod
    def slot(self) -> ModelSlot[Any]:
        """What the tab holds for the model."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the targets."""

    @property
    @abstractmethod
    def place(self) -> str:
        """The name of the place where the answer is shown; it stays the same when the parameters change."""

    @property
    @abstractmethod
    def key(self) -> session.Key:
        """The key that identifies the answer within the tab."""

    @abstractmethod
    def question(self, method: AnyMethod, conditions: Conditions) -> Question[Estimate]:
        """Return the question for the worker; the method and the conditions may differ from the inquiry's own."""

    @abstractmethod
    def overlay(self, position: int, heatmap: Floats, look: Look, longest: int) -> NDArray[np.uint8]:
        """Return the picture overlaid with the map of one target, about `longest` pixels on the longer side."""

    @abstractmethod
    def report(self, estimate: Estimate, seconds: float, setting: ViewerState) -> Report:
        """Return the answer with everything needed to reproduce it, drawn with the viewer's settings."""

    @property
    def conditions(self) -> Conditions:
        """The conditions under which the method is asked."""
        return Conditions(self.method.precision_on(self.prepared.card, self.prepared.precision))

    @property
    def cost(self) -> str:
        """The cost of the answer, in words; "" if unknown."""
        return ""

    @property
    def is_costly(self) -> bool:
        """Whether the answer is so slow that it waits for a button."""
        return False

    def ask(self, method: AnyMethod | None = None, **conditions: Any) -> Job[Estimate]:
        """Ask the worker; `method` and `conditions` replace the inquiry's own."""
        question = self.question(method or self.method, replace(self.conditions, **conditions))
        return session.ask(self.prepared.source, question)

    def begin(self) -> None:
        """Start the run that answers this inquiry."""
        self.slot.remember(self.key, self.ask())


AnyInquiry = TypeVar("AnyInquiry", bound=Inquiry[Any], covariant=True)


@dataclass(frozen=True, eq=False)
class Run(Generic[AnyInquiry]):
    """An inquiry with the job that answers it, running or done."""

    inquiry: AnyInquiry
    job: Job[Estimate]

    @property
    def checks(self) -> dict[str, Job[Estimate]]:
        """The jobs that check this run, by the name of the check."""
        return self.inquiry.slot.checks.setdefault(self.inquiry.key, {})

    @property
    def busy(self) -> bool:
        """Whether this run or any of its checks is still going on."""
        return not all(job.state.ended for job in (self.job, *self.checks.values()))

    def check(self, name: str, method: Any = None, **conditions: Any) -> None:
        """Start a check with a different method or different conditions; it replaces any check with the same name."""
        if name in self.checks:
            self.checks.pop(name).cancel()
        self.checks[name] = self.inquiry.ask(method, **conditions)

    def report(self, estimate: Estimate, setting: ViewerState) -> Report:
        """Return the answer with everything needed to reproduce it."""
        return self.inquiry.report(estimate, self.job.state.seconds, setting)

    def once(self, key: object, work_out: Callable[[], Any]) -> Any:
        """Return a figure of the finished run, computed on first use."""
        return self.inquiry.slot.once(self.job, key, work_out)


def runs_for(
    inquiries: Sequence[AnyInquiry], slot: ModelSlot[Any], *, start: bool, again: bool
) -> list[Run[AnyInquiry]]:
    """Return the runs that answer inquiries about the model in a slot, except those that have not begun.

    start: begin the inquiries that are not costly. again: begin all of them, restarting those that did not finish.
    Runs of other inquiries are cancelled; finished ones stay.
    """
    wanted, slot.asked_to_run = slot.asked_to_run, ""
    slot.drop_unfinished(but=() if again else [inquiry.key for inquiry in inquiries])
    for inquiry in inquiries:
        due = again or wanted == inquiry.method.id or (start and not inquiry.is_costly)
        if due and inquiry.key not in slot.runs:
            inquiry.begin()
    return [Run(inquiry, slot.runs[inquiry.key]) for inquiry in inquiries if inquiry.key in slot.runs]
