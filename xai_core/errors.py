"""Errors whose messages users may see.

VitrineError
├── ParamError (also a ValueError)   a parameter has a value that its declaration does not allow
├── ModelError
│   ├── UnsupportedModel             the file is sound, but cannot run here for this task
│   │   ├── ChooseOutput             several outputs may hold the class scores; it lists them
│   │   ├── ChooseScoring            the outputs do not look like class scores
│   │   ├── TryAsSegmenter           not a classifier; labels every pixel
│   │   ├── ChooseArchitecture       weights alone, whose network is not known
│   │   ├── ChooseEntry              code offers several networks; it lists them
│   │   ├── TypeLabels               compares pictures with texts; its labels have to be typed
│   │   ├── TryAsDetector            not a classifier; looks like a detector
│   │   └── TryAsClassifier          not a detector; looks like a classifier
│   ├── MissingCapability            the model runs, but lacks something a method needs
│   └── RefusedModel                 the file is unsafe, damaged or exceeds a limit
├── ImageError                       a picture cannot be used
├── DataError                        labels or other data cannot be used
└── JobError
    ├── WorkerDied                   the model's process ended unexpectedly
    ├── TimedOut                     the model missed its deadline
    └── OutOfMemory                  the model exceeded its memory limit

A message says what was expected, what came instead and what to do. It never contains a server path.
"""

from __future__ import annotations

import functools
import inspect
import logging
import secrets
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

LOG = logging.getLogger(__name__)
Params = ParamSpec("Params")
Result = TypeVar("Result")


class VitrineError(Exception):
    """Base of all errors whose message is meant for users."""


class ParamError(VitrineError, ValueError):
    """A parameter has a value that its declaration does not allow."""


class ModelError(VitrineError):
    """A model cannot be used, or not for this purpose."""


class UnsupportedModel(ModelError):
    """The file is sound, but cannot run here for this task."""


class ChooseOutput(UnsupportedModel):
    """Several outputs of a classifier may hold its class scores; the front end adds how to choose one.

    outputs: what each of them would answer, see `xai_core.services.output_answers`.
    """

    def __init__(self, message: str, outputs: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.outputs = outputs


class ChooseScoring(UnsupportedModel):
    """The outputs do not look like class scores; the front end adds how to say what they are."""


class ChooseArchitecture(UnsupportedModel):
    """Weights without a network that fits; the front end adds how to choose one, or to add the code that defines it."""


class ChooseEntry(UnsupportedModel):
    """The code that came with the weights may build several networks; the front end adds how to choose one.

    entries: the classes and functions to choose from, as `xai_core.model_code.CodeEntry`.
    """

    def __init__(self, message: str, entries: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.entries = entries


class TypeLabels(UnsupportedModel):
    """The model compares pictures with texts and has no classes of its own; the front end asks for labels."""


class TryAsDetector(UnsupportedModel):
    """The file was opened as a classifier but looks like a detector; the front end adds where to open it as such."""


class TryAsSegmenter(UnsupportedModel):
    """The file holds a segmentation network, opened for a different task; the front end opens it as one or says how."""


class TryAsClassifier(UnsupportedModel):
    """The file was opened as a detector but looks like a classifier; the front end adds where to open it as such."""


class MissingCapability(ModelError):
    """The model runs, but lacks something a method needs."""


class RefusedModel(ModelError):
    """The file is unsafe, damaged or exceeds a limit."""


class ImageError(VitrineError):
    """A picture cannot be used."""


class DataError(VitrineError):
    """Labels or other data cannot be used."""


class JobError(VitrineError):
    """A computation did not finish."""


class WorkerDied(JobError):
    """The model's process ended unexpectedly."""


class TimedOut(JobError):
    """The model missed its deadline."""


class OutOfMemory(JobError):
    """The model exceeded its memory limit."""


_OF_MEMORY = (
    "allocate memory",
    "bad_alloc",
    "could not create a memory object",
    "could not create a primitive",
    "defaultcpuallocator",
    "failed to allocate",
    "oom when allocating",
    "out of memory",
    "resource_exhausted",
    "resourceexhausted",
    "unable to allocate",
)


def means_memory(text: str) -> bool:
    """Return whether a framework's message means that memory ran out."""
    return any(words in text.lower() for words in _OF_MEMORY)


def is_of_memory(error: BaseException) -> bool:
    """Return whether an error, ours or a framework's, means that memory ran out."""
    return isinstance(error, OutOfMemory | MemoryError) or means_memory(str(error))


def _family(base: type[VitrineError]) -> dict[str, type[VitrineError]]:
    members = {base.__name__: base}
    for child in base.__subclasses__():
        members |= _family(child)
    return members


def named(name: str, message: str) -> VitrineError:
    """Return the error class called `name` with a message, or a plain VitrineError if the name is unknown."""
    return _family(VitrineError).get(name, VitrineError)(message)


def in_sentences(what: str) -> Callable[[Callable[Params, Result]], Callable[Params, Result]]:
    """Make a function raise nothing but VitrineErrors, once its arguments fit; see `unexpected`."""

    def decorate(function: Callable[Params, Result]) -> Callable[Params, Result]:
        @functools.wraps(function)
        def guarded(*args: Params.args, **kwargs: Params.kwargs) -> Result:
            inspect.signature(function).bind(*args, **kwargs)  # a call that does not fit remains a TypeError
            try:
                return function(*args, **kwargs)
            except VitrineError:
                raise
            except Exception as error:
                raise unexpected(error, what) from error

        return guarded

    return decorate


def unexpected(error: BaseException, what: str, kind: type[VitrineError] = VitrineError) -> VitrineError:
    """Log an error that no message foresees, and return one of a kind with its reference number for the user.

    what: failed, as the start of the sentence: "This page failed".
    """
    reference = secrets.token_hex(4)
    LOG.error("Reference %s: %s.", reference, what, exc_info=error)
    return kind(f"{what} ({type(error).__name__}). The log has more under the reference {reference}.")
