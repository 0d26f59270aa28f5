"""Whatever a framework raises, users read a sentence without a path or a traceback."""

from __future__ import annotations

import errno

import pytest

from xai_core.errors import JobError, ModelError, OutOfMemory, ParamError, RefusedModel
from xai_core.jobs.sentences import plain


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("std::bad_alloc"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        RuntimeError("could not create a primitive"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer"),
        ValueError("OOM when allocating tensor with shape[1]"),
    ],
)
def test_memory_errors_are_recognised_by_their_words(error):
    assert isinstance(plain(error, "run", 3500), OutOfMemory)
    assert "more than 3500 MB" in str(plain(error, "run", 3500))


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied", "/etc/passwd"), RuntimeError("/x: Operation not permitted")]
)
@pytest.mark.parametrize("doing", ["open", "run"])
def test_access_to_a_file_outside_has_its_own_sentence(error, doing):
    assert str(plain(error, doing, 1)) == "The model tried to use a file outside its own folder and was stopped."


def test_the_cause_of_an_error_counts_too():
    error = RuntimeError("Something failed.")
    error.__cause__ = PermissionError(errno.EACCES, "Permission denied")
    assert isinstance(plain(error, "run", 1), RefusedModel)


def test_an_error_with_a_sentence_of_its_own_stays():
    error = ParamError("Steps must be less.")
    assert plain(error, "run", 1) is error


@pytest.mark.parametrize(("doing", "kind"), [("open", RefusedModel), ("run", ModelError)])
def test_any_other_error_becomes_a_sentence_without_its_words(doing, kind):
    found = plain(ValueError("/srv/secret"), doing, 1)
    assert type(found) is kind
    assert "secret" not in str(found)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_not_the_fault_of_the_model(number):
    sentence = plain(OSError(number, "No space left on device"), "run", 1)
    assert type(sentence) is JobError
    assert str(sentence) == "The disk of the machine that runs Vitrine is full. Make room on it, and try again."
    assert "tried to write more than it is allowed to" in str(plain(OSError(errno.EFBIG, "File too large"), "run", 1))


def test_a_full_disk_is_known_by_its_words_too():
    assert "is full" in str(plain(RuntimeError("write failed: No space left on device"), "run", 1))
