"""What counts as memory that ran out, whoever says it."""

from __future__ import annotations

import pytest

from xai_core.errors import ModelError, OutOfMemory, is_of_memory

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
