"""Base class and registry of the questions about a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Self, TypeVar, dataclass_transform

import numpy as np

from xai_core.errors import DataError, ParamError, VitrineError
from xai_core.jobs.frames import LARGEST_BODY, Arrays, Frame, Header
from xai_core.jobs.question import entered

Answer = TypeVar("Answer")


class FileQuestion(ABC, Generic[Answer]):
    """A question about a file, with both ends of the wire.

    The app sends `to_frame`. The parsing process rebuilds the question with `from_frame`, reads the file in `answer`
    and sends back what `answer_to_frame` writes. The app reads that with `answer_from_frame`, and must not trust it.

    error: raised if the file cannot be read. largest_answer: the most bytes that the arrays of an answer may take.
    """

    name: ClassVar[str]
    error: ClassVar[type[VitrineError]] = DataError
    largest_answer: ClassVar[int] = LARGEST_BODY

    @abstractmethod
    def to_frame(self) -> Frame:
        """Return the question as JSON values and arrays."""

    def request(self) -> tuple[Header, Arrays]:
        """Return the question as the parsing process receives it."""
        values, arrays = self.to_frame()
        return {**values, "ask": "parse", "question": self.name, "job": 0}, arrays

    @classmethod
    @abstractmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        """Rebuild the question in the parsing process."""

    @abstractmethod
    def answer(self) -> Answer:
        """Read the file, in the parsing process. Whatever it raises reaches the user as a sentence."""

    @abstractmethod
    def answer_to_frame(self, answer: Answer) -> Frame:
        """Return an answer as JSON values and arrays."""

    @abstractmethod
    def answer_from_frame(self, values: Any, arrays: Arrays) -> Answer:
        """Read an answer and check that it makes sense; BadFrame if it does not."""


AnyQuestion = TypeVar("AnyQuestion", bound=FileQuestion[Any])
QUESTIONS: dict[str, type[FileQuestion[Any]]] = {}


@dataclass_transform(frozen_default=True, eq_default=False)
def file_question(name: str) -> Callable[[type[AnyQuestion]], type[AnyQuestion]]:
    """Make a class a frozen dataclass and enter it in `QUESTIONS` under its name on the wire."""

    return lambda cls: entered(cls, name, QUESTIONS)


def question_named(name: str) -> type[FileQuestion[Any]]:
    """Return the question with this name on the wire; ParamError if there is none."""
    if name not in QUESTIONS:
        raise ParamError(f"There is no question about files called {name!r}.")
    return QUESTIONS[name]


def as_array(data: bytes) -> Arrays:
    """Return the bytes of a file as the wire takes them."""
    return [np.frombuffer(data, np.uint8)]


def as_bytes(arrays: Arrays) -> bytes:
    """Return the bytes of a file that came over the wire."""
    return arrays[0].tobytes()
