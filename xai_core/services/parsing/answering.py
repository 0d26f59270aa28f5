"""The parsing process's side: each question about a file gets an answer or a sentence."""

from __future__ import annotations

from typing import Any

from xai_core.errors import OutOfMemory, VitrineError, is_of_memory, unexpected
from xai_core.jobs.frames import LARGEST_BODY, Arrays, Frame, Header
from xai_core.services.parsing import questions  # noqa: F401  (registers them)
from xai_core.services.parsing.question import FileQuestion, question_named

READING = "This file cannot be read"


def answer(header: Header, arrays: Arrays) -> Frame:
    """Answer a question that came over the wire. Raises nothing but VitrineErrors, whatever the file contains."""
    kind = question_named(header["question"])
    try:
        question = kind.from_frame(header, arrays)
        arrays.clear()  # the question holds a copy
        return _within_the_wire(question, question.answer_to_frame(question.answer()))
    except VitrineError:
        raise
    except Exception as error:
        if is_of_memory(error):
            raise OutOfMemory("Reading this file needs too much memory.") from error
        raise unexpected(error, READING, kind.error) from error


def _within_the_wire(question: FileQuestion[Any], frame: Frame) -> Frame:
    size = sum(array.nbytes for array in frame[1])
    if size > min(LARGEST_BODY, question.largest_answer):
        raise question.error(f"The file unpacks to {size >> 20} MB; at most {LARGEST_BODY >> 20} MB are read.")
    return frame
