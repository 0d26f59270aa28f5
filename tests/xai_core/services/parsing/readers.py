"""Every question about the bytes of a file, by the name of what it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xai_core.errors import VitrineError
from xai_core.services.parsing.parser import Parser
from xai_core.services.parsing.question import FileQuestion
from xai_core.services.parsing.questions.open_picture import OpenPicture
from xai_core.services.parsing.questions.propose_columns import ProposeColumns
from xai_core.services.parsing.questions.read_curves import ReadCurves
from xai_core.services.parsing.questions.read_history import ReadHistory
from xai_core.services.parsing.questions.read_labels import ReadLabels
from xai_core.services.parsing.questions.read_predictions import ReadPredictions

READERS: dict[str, Callable[[bytes], FileQuestion[Any]]] = {
    "predictions": lambda data: ReadPredictions(data, "x"),
    "columns": lambda data: ProposeColumns(data),
    "history": lambda data: ReadHistory(data, "x"),
    "curves": lambda data: ReadCurves(data, ("0", "1")),
    "labels": lambda data: ReadLabels(data, 3),
    "picture": lambda data: OpenPicture(data, "x"),
}


def outcome(parser: Parser, reader: str, data: bytes) -> str:
    """Return the sentence that reading a file ends in; "" if it is read."""
    try:
        parser.ask(READERS[reader](data))
    except VitrineError as error:
        return str(error)
    return ""


def is_a_sentence(text: str) -> bool:
    """Whether a message is one or a few sentences of a foreseen error, without a traceback or a path."""
    unforeseen = ("reference", "Traceback", "/tmp/", "site-packages", "stopped. Try again")
    return (
        (text[:1].isupper() or text[:1].isdecimal())
        and text.endswith((".", "?"))
        and not any(word in text for word in unforeseen)
    )
