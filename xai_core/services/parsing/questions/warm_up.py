"""Import what files are read with, before there is one."""

from __future__ import annotations

import importlib
from typing import Any, Self

from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.services.parsing.question import FileQuestion, file_question

MODULES = ("xai_core.bias.reading", "xai_core.training.reading", "xai_core.training.curves")


@file_question("warm_up")
class WarmUp(FileQuestion[None]):
    """Import the readers of tables and histories; later questions then start at once."""

    largest_answer = 0

    def to_frame(self) -> Frame:
        return {}, []

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        return cls()

    def answer(self) -> None:
        for name in MODULES:
            importlib.import_module(name)

    def answer_to_frame(self, answer: None) -> Frame:
        return {}, []

    def answer_from_frame(self, values: Any, arrays: Arrays) -> None:
        return None
