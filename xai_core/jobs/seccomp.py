"""Refuse every system call that no worker needs, for all threads of this process, with a seccomp filter.

`calls.py` lists what is allowed. Nothing else is: no programs, processes, sockets, signals to other processes, their
memory, limits, priorities or processors, no mounts, keys, locks, leases, notifications, queues, and no owners, modes or
attributes of files. seccomp(2) describes filters.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from xai_core.jobs import calls, kernel

_ARCHITECTURE, _SECCOMP = (0xC000003E, 0xC00000B7), (317, 277)
_SET_FILTER, _ALL_THREADS, _ACTION_AVAILABLE = 1, 1, 2
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _SHIFT_RIGHT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x74, 0x06
# Offsets in struct seccomp_data; arguments are 8 bytes, low half first, and one load takes half of one.
_NUMBER, _ARCH, _FIRST, _SECOND, _THIRD, _HALF = 0, 4, 16, 24, 32, 4
_X32_CALLS = 0x40000000
_GPUS = ("/dev/nvidiactl", "/dev/dri")

Step = tuple[int, int, int, int]  # code, steps to skip when true, when false, operand
_PERMIT: Step = (_RETURN, 0, 0, _ALLOW)
_REFUSE: Step = (_RETURN, 0, 0, _FAIL | errno.EPERM)


def available() -> bool:
    """Return whether the kernel accepts a filter and this machine's call numbers are known."""
    if (column := kernel.machine()) is None:
        return False
    try:
        action = ctypes.create_string_buffer(struct.pack("=I", _FAIL), 4)
        return kernel.call(_SECCOMP[column], _ACTION_AVAILABLE, 0, action) == 0
    except OSError:
        return False


def close_calls() -> bool:
    """Install the filter for good; return False if the kernel has none."""
    column = kernel.machine()
    if column is None or not available():
        return False
    packed = b"".join(struct.pack("=HBBI", *step) for step in _program(column))
    steps = ctypes.create_string_buffer(packed, len(packed))
    program = ctypes.create_string_buffer(struct.pack("=H6xQ", len(packed) // 8, ctypes.addressof(steps)), 16)
    kernel.no_new_privileges()
    if kernel.call(_SECCOMP[column], _SET_FILTER, _ALL_THREADS, program) != 0:
        raise OSError(errno.ESRCH, "The filter could not be applied to a thread.")
    return True


def _program(column: int) -> list[Step]:
    steps = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _ARCHITECTURE[column]), (_RETURN, 0, 0, _KILL)]
    steps += [(_LOAD, 0, 0, _NUMBER)]
    if column == 0:
        steps += [(_AT_LEAST, 0, 1, _X32_CALLS), (_RETURN, 0, 0, _KILL)]
    for numbers, rule in _rules():
        steps += _when(numbers[column], rule)
    for numbers, code in calls.UNAVAILABLE.values():
        steps += _when(numbers[column], [(_RETURN, 0, 0, _FAIL | code)])
    for numbers in calls.ALLOWED.values():
        steps += _when(numbers[column], [_PERMIT])
    return [*steps, (_AT_LEAST, 0, 1, calls.FIRST_RECENT), (_RETURN, 0, 0, _FAIL | errno.ENOSYS), _REFUSE]


def _rules() -> list[tuple[calls.Numbers, list[Step]]]:
    """Return the calls that are allowed for some arguments only, with the steps that check these."""
    itself = os.getpid()
    return [
        (calls.CLONE, _unless((_FIRST, _ANY_BIT, calls.THREAD_FLAG)) + _no_bits_but(_FIRST, calls.THREAD_FLAGS)),
        (calls.TGKILL, [*_unless((_FIRST, _EQUAL, itself)), _PERMIT]),
        (calls.KILL, [*_unless((_FIRST, _EQUAL, itself)), _PERMIT]),
        (calls.SET_AFFINITY, [*_unless((_FIRST, _EQUAL, 0)), _PERMIT]),
        (calls.PRLIMIT, [*_unless((_THIRD, _EQUAL, 0), (_THIRD + _HALF, _EQUAL, 0)), _PERMIT]),
        (calls.FCNTL, _one_of(_SECOND, calls.FCNTL_COMMANDS)),
        (calls.PRCTL, _one_of(_FIRST, calls.PRCTL_OPTIONS)),
        (calls.IOCTL, _one_of(_SECOND, calls.IOCTL_REQUESTS)[:-1] + _request_to_a_gpu()),
    ]


def _when(number: int | None, then: list[Step]) -> list[Step]:
    return [] if number is None else [(_EQUAL, 0, len(then), number), *then]


def _unless(*tests: tuple[int, int, int]) -> list[Step]:
    """Refuse unless every test holds: the offset of half an argument, the comparison, the operand."""
    return [step for offset, code, operand in tests for step in [(_LOAD, 0, 0, offset), (code, 1, 0, operand), _REFUSE]]


def _no_bits_but(offset: int, bits: int) -> list[Step]:
    """Permit if half an argument has no bits except these."""
    return [(_LOAD, 0, 0, offset), (_ANY_BIT, 0, 1, ~bits & 0xFFFFFFFF), _REFUSE, _PERMIT]


def _one_of(offset: int, values: tuple[int, ...]) -> list[Step]:
    """Permit if half an argument is one of these values."""
    return [(_LOAD, 0, 0, offset), *(step for value in values for step in _when(value, [_PERMIT])), _REFUSE]


def _request_to_a_gpu() -> list[Step]:
    """Permit requests to devices if there is a GPU: Landlock says to which; each driver has its own requests."""
    if not any(map(os.path.exists, _GPUS)):
        return [_REFUSE]
    kinds = [step for kind in calls.IOCTL_REFUSED_KINDS for step in _when(kind, [_REFUSE])]
    return [(_SHIFT_RIGHT, 0, 0, 8), (_AND, 0, 0, 0xFF), *kinds, _PERMIT]
