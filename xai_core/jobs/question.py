"""Base class and registry of the questions that a worker answers about the model it has opened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar, dataclass_transform

import numpy as np

from xai_core.errors import ParamError
from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.jobs.opened import Opened
from xai_core.types import Card, Flags, Floats

Answer = TypeVar("Answer")
Activity = Literal["engines", ""]
ACTIVITIES: dict[Activity, str] = {"engines": "trying which engine is fastest", "": ""}


@dataclass(frozen=True)
class Doing:
    """Yielded between answers: what the worker does next, where that is not the question itself."""

    activity: Activity


class Question(ABC, Generic[Answer]):
    """A question to an opened model, with both ends of the wire.

    The app sends `to_frame`. The worker rebuilds the question with `from_frame`, works through `answers` and sends each
    one as `answer_to_frame` writes it. The app reads it back with `answer_from_frame`, and must not trust it.

    sharpens: the answer gets better step by step, so previews are shown and several such jobs take turns. A question
    that does not sharpen is answered as soon as it arrives, between the steps of others.
    """

    name: ClassVar[str]
    sharpens: ClassVar[bool] = False

    @abstractmethod
    def to_frame(self) -> Frame:
        """Return the question as JSON values and arrays; they must hold everything that determines the answer."""

    @classmethod
    @abstractmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        """Rebuild the question in the worker."""

    @abstractmethod
    def answers(self, opened: Opened) -> Iterator[Answer | Doing]:
        """Yield ever better answers, in the worker; the last one counts. The job may be cancelled at any yield."""

    @abstractmethod
    def answer_to_frame(self, answer: Answer) -> Frame:
        """Return an answer as JSON values and arrays."""

    @abstractmethod
    def answer_from_frame(self, values: Any, arrays: Arrays, card: Card) -> Answer:
        """Read an answer and check that it fits the question and the model; BadFrame if it does not."""

    @abstractmethod
    def largest_answer(self, card: Card) -> int:
        """Return the most bytes that the arrays of an honest answer can take; a larger one is never read."""


class KeptQuestion(Question[Answer]):
    """A question whose answer is worth keeping on disk. It is read back without the model's card."""

    @abstractmethod
    def answer_from_frame(self, values: Any, arrays: Arrays, card: Card | None = None) -> Answer:
        """Read an answer and check that it fits the question; BadFrame if it does not."""


Asked = TypeVar("Asked", bound=Question[Any])
Named = TypeVar("Named")
QUESTIONS: dict[str, type[Question[Any]]] = {}


@dataclass_transform(frozen_default=True, eq_default=False)
def question(name: str) -> Callable[[type[Asked]], type[Asked]]:
    """Make a class a frozen dataclass and enter it in `QUESTIONS` under its name on the wire."""

    return lambda cls: entered(cls, name, QUESTIONS)


def entered(cls: type[Named], name: str, registry: dict[str, Any]) -> type[Named]:
    """Make a class a frozen dataclass, and enter it in a registry under its name on the wire."""
    if name in registry:
        raise ValueError(f"Two questions are called {name!r}.")
    made = dataclass(frozen=True, eq=False)(cls)
    made.name = name  # type: ignore[attr-defined]  # each base class of questions declares it
    registry[name] = made
    return made


def question_named(name: str) -> type[Question[Any]]:
    """Return the question with this name on the wire, or raise a ParamError that lists the known ones."""
    if name not in QUESTIONS:
        raise ParamError(f"There is no question called {name!r}; there are {', '.join(sorted(QUESTIONS))}.")
    return QUESTIONS[name]


def plain(image: Floats) -> Floats:
    """Return an image, or several, as the wire takes them: contiguous float32."""
    return np.ascontiguousarray(image, np.float32)


def region_to_arrays(region: Flags | None) -> Arrays:
    """Return a region (H, W), if there is one, as the wire takes it."""
    return [] if region is None else [np.ascontiguousarray(region, np.bool_)]


def region_from_arrays(arrays: Arrays) -> Flags | None:
    """Return the region that `region_to_arrays` wrote, or None."""
    return np.asarray(arrays[0], np.bool_) if arrays else None
