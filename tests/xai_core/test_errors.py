"""What counts as memory that ran out, whoever says it; what nobody foresaw is a sentence with a reference."""

from __future__ import annotations

import logging
import re

import pytest

from xai_core.errors import DataError, ModelError, OutOfMemory, VitrineError, in_sentences, is_of_memory, unexpected

SAID = [
    "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.",
    "[enforce fail at alloc_cpu.cpp:118] err == 0. Error code 12 (Cannot allocate memory)",
    "CUDA out of memory. Tried to allocate 2.00 GiB.",
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 64",
    "std::bad_alloc",
    "OOM when allocating tensor with shape[1]",
    "Unable to allocate 2.0 GiB for an array",
]


@pytest.mark.parametrize("error", [MemoryError(), OutOfMemory("It is full."), *map(RuntimeError, SAID)])
def test_frameworks_say_in_many_ways_that_memory_ran_out(error):
    assert is_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("Sizes of tensors must match"), ModelError("It has no memory cells.")])
def test_other_errors_do_not_count(error):
    assert not is_of_memory(error)


def test_an_unexpected_error_is_a_sentence_whose_reference_leads_to_the_traceback(caplog):
    sentence = unexpected(KeyError("secret"), "Reading the file failed", DataError)
    assert isinstance(sentence, DataError)
    match = re.fullmatch(
        r"Reading the file failed \(KeyError\)\. The log has more under the reference ([0-9a-f]{8})\.", str(sentence)
    )
    assert match
    assert f"Reference {match[1]}: Reading the file failed." in caplog.text
    assert "secret" in logging.Formatter().format(caplog.records[0])


@in_sentences("Dividing failed")
def ratio(top: float, bottom: float) -> float:
    if top < 0:
        raise DataError("The top is negative. Choose a positive one.")
    return top / bottom


def test_a_guarded_function_raises_sentences_only():
    assert ratio(1, 2) == 0.5
    with pytest.raises(DataError, match="The top is negative"):
        ratio(-1, 2)
    with pytest.raises(VitrineError, match=r"Dividing failed \(ZeroDivisionError\)"):
        ratio(1, 0)


def test_a_call_that_does_not_fit_remains_a_type_error():
    with pytest.raises(TypeError, match="missing a required argument: 'bottom'"):
        ratio(1)
