"""Errors of a worker as sentences for the user; the traceback goes to the log."""

from __future__ import annotations

import errno
import os
from typing import Literal

from xai_core.errors import JobError, ModelError, OutOfMemory, RefusedModel, VitrineError, means_memory

_OF_THE_SANDBOX = ("operation not permitted", "permission denied")

STOPPED = (
    "The model's process stopped; your pictures and settings are kept. Try again; if it stops again, the log says why."
)
FULL_DISK = "The disk of the machine that runs Vitrine is full. Make room on it, and try again."
FLOODED = "The model's process sent the app more than it is allowed to and was stopped. Do not use this file."
BUSY_UNASKED = "The model's process kept the processor busy without a question to answer and was stopped."


def plain(error: BaseException, doing: Literal["open", "run"], memory_mb: int) -> VitrineError:
    """Turn an error of a framework or a model into a sentence; errors that already are one stay."""
    if isinstance(error, VitrineError):
        return error
    if isinstance(error, MemoryError) or means_memory(_text(error)):
        return too_much_memory(memory_mb)
    if is_of_full_disk(error):
        return JobError(FULL_DISK)
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return RefusedModel("The model tried to write more than it is allowed to and was stopped.")
    if isinstance(error, PermissionError) or any(words in _text(error).lower() for words in _OF_THE_SANDBOX):
        return RefusedModel("The model tried to use a file outside its own folder and was stopped.")
    if doing == "open":
        return RefusedModel(
            "The file cannot be opened as a model: it is damaged, or of a kind that Vitrine does not know."
        )
    return ModelError(f"The model failed while it ran ({type(error).__name__}); the log says more.")


def is_of_full_disk(error: BaseException) -> bool:
    """Return whether an error means that the disk is full, which no model is to blame for."""
    return (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or (
        os.strerror(errno.ENOSPC).lower() in _text(error).lower()
    )


def too_much_memory(memory_mb: int) -> OutOfMemory:
    return OutOfMemory(
        f"The model needs more than {memory_mb} MB. Choose a smaller batch size, or raise VITRINE_MEMORY_MB."
    )


def _text(error: BaseException) -> str:
    """Return the messages of an error and of those that caused it."""
    words, seen = "", 0
    step: BaseException | None = error
    while step is not None and seen < 10:
        words, step, seen = f"{words} {_message(step)}", step.__cause__ or step.__context__, seen + 1
    return words[:20_000]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an error of the model's own code may fail to say anything
        return ""
