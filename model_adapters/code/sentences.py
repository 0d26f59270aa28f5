"""Errors of code that came with a model, as sentences with the line where it stopped and nothing of this machine."""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from xai_core.errors import ModelError, RefusedModel, UnsupportedModel, VitrineError, means_memory

LONGEST_MESSAGE = 200
STOPPED = (
    "The code tried to use the network, other programs or files outside its folder, so it was stopped{where}. Keep "
    "only the code that defines the model."
)
ENDED = "The code ended the program{where}. Keep only the code that defines the model."
NOT_HERE = (
    "The code imports {name!r}, which is not installed here{where}. If it is yours, pack it with the code in one zip. "
    "Otherwise remove the import: models can use {known}."
)
KNOWN = "PyTorch, torchvision, timm, TensorFlow, Keras, NumPy and Python's own library"
_OF_THE_SANDBOX = ("operation not permitted", "permission denied", "function not implemented")
_PATH = re.compile(r"(?:/[^\s/:'\",;()]+)+/([^\s/:'\",;()]*)")


@contextmanager
def in_sentences(root: str) -> Iterator[None]:
    """Turn whatever code below the folder `root` raises into a sentence; ours stay, and those of memory and disk."""
    try:
        yield
    except VitrineError:
        raise
    except BaseException as error:
        if isinstance(error, Exception) and _has_a_sentence(error):
            raise
        raise _sentence(error, root) from error


def _has_a_sentence(error: Exception) -> bool:
    """Whether the worker words an error itself: memory ran out, or a file or a disk became too full."""
    if isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT):
        return True
    return isinstance(error, MemoryError) or means_memory(_text(error))


def harmless(text: str) -> str:
    """Return a text of the code without paths of this machine, on one line, and not too long."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: 20 * LONGEST_MESSAGE])
    plain = _PATH.sub(r"\1", plain).strip()
    return plain if len(plain) <= LONGEST_MESSAGE else f"{plain[: LONGEST_MESSAGE - 3]}..."


def _sentence(error: BaseException, root: str) -> VitrineError:
    where = _where(error, root)
    place = f" ({where})" if where else ""
    if isinstance(error, ImportError) and error.name and not isinstance(error.__cause__, OSError):
        return UnsupportedModel(NOT_HERE.format(name=harmless(error.name), where=place, known=KNOWN))
    if not isinstance(error, Exception):
        return ModelError(ENDED.format(where=place))
    if isinstance(error, PermissionError) or any(words in _text(error).lower() for words in _OF_THE_SANDBOX):
        return RefusedModel(STOPPED.format(where=place))
    words = harmless(_text(error))
    return ModelError(f"The code stopped{place}: {type(error).__name__[:60]}{f': {words}' if words else ''}.")


def _where(error: BaseException, root: str) -> str:
    """Return the last line of the code that an error passed, such as "model.py, line 12"; "" if there is none."""
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(root):
        return f"{_within(error.filename or '', root)}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(root)]
    return f"{_within(frames[-1].filename, root)}, line {frames[-1].lineno}" if frames else ""


def _within(file: str, root: str) -> str:
    return harmless(file.removeprefix(root).lstrip("/").replace("/", "."))


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception of the code's own may fail to say anything
        return ""
