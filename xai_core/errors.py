"""Everything that can go wrong and is worth a sentence to a person.

VitrineError
├── ParamError (also a ValueError)   a parameter has a value that its declaration does not allow
├── ModelError
│   ├── UnsupportedModel             the file is sound, but nothing here can run it for what was asked
│   │   ├── TryAsDetector            it is no classifier, and looks like a detector
│   │   └── TryAsClassifier          it is no detector, and looks like a classifier
│   ├── MissingCapability            the model runs, but lacks what a method needs
│   └── RefusedModel                 the file is unsafe, damaged or breaks a limit
├── ImageError                       a picture can not be used
├── DataError                        labels or other data can not be used
└── JobError
    ├── WorkerDied                   the model's process ended
    ├── TimedOut                     the model took longer than its deadline
    └── OutOfMemory                  the model took more memory than its limit

A message says what was expected, what came and what to do. It never holds a path of the server.
"""

from __future__ import annotations


class VitrineError(Exception):
    """Base of all errors whose message is meant for the person in front of the app."""


class ParamError(VitrineError, ValueError):
    """A parameter has a value that its declaration does not allow."""


class ModelError(VitrineError):
    """A model can not be used, or not for this."""


class UnsupportedModel(ModelError):
    """The file is sound, but nothing here can run it for what was asked."""


class TryAsDetector(UnsupportedModel):
    """The file was opened as a classifier and looks like a detector; where to open it so, the front end adds."""


class TryAsClassifier(UnsupportedModel):
    """The file was opened as a detector and looks like a classifier; where to open it so, the front end adds."""


class MissingCapability(ModelError):
    """The model runs, but lacks what a method needs."""


class RefusedModel(ModelError):
    """The file is unsafe, damaged or breaks a limit."""


class ImageError(VitrineError):
    """A picture can not be used."""


class DataError(VitrineError):
    """Labels or other data can not be used."""


class JobError(VitrineError):
    """A computation did not finish."""


class WorkerDied(JobError):
    """The model's process ended."""


class TimedOut(JobError):
    """The model took longer than its deadline."""


class OutOfMemory(JobError):
    """The model took more memory than its limit."""


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
    """Whether a framework's words mean that memory ran out."""
    return any(words in text.lower() for words in _OF_MEMORY)


def is_of_memory(error: BaseException) -> bool:
    """Whether an error, of ours or of a framework, says that memory ran out."""
    return isinstance(error, OutOfMemory | MemoryError) or means_memory(str(error))


def _family(base: type[VitrineError]) -> dict[str, type[VitrineError]]:
    found = {base.__name__: base}
    for child in base.__subclasses__():
        found |= _family(child)
    return found


def named(name: str, message: str) -> VitrineError:
    """Return the error called `name`, or a plain VitrineError where there is none of that name."""
    return _family(VitrineError).get(name, VitrineError)(message)
