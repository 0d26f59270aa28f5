"""The few system calls that Python lacks, with their numbers on x86-64 and 64-bit ARM."""

from __future__ import annotations

import ctypes
import os
import platform

_libc = ctypes.CDLL(None, use_errno=True)
_MACHINES = {"x86_64": 0, "aarch64": 1}

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446  # the same on every machine


def machine() -> int | None:
    """Return this machine's column in a table of call numbers; None for an unknown processor."""
    return _MACHINES.get(platform.machine())


def call(number: int, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call. Raises OSError if it fails."""
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *plain))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option: int, value: int) -> None:
    """Set a property of this process. Raises OSError if that fails."""
    if _libc.prctl(*map(ctypes.c_ulong, (option, value, 0, 0, 0))) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def no_new_privileges() -> None:
    """Give up set-uid programs for good, as Landlock and seccomp require."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def not_dumpable() -> None:
    """Forbid core dumps, and keep other processes of the same user from reading this one's memory."""
    prctl(PR_SET_DUMPABLE, 0)
