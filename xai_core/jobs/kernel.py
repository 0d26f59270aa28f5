"""The few system calls that Python lacks, with their numbers on x86-64 and 64-bit ARM."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_MACHINES = {"x86_64": 0, "aarch64": 1}

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446  # the same on every machine

_CAPGET, _CAPSET = (125, 90), (126, 91)
_CAPABILITIES_VERSION = 0x20080522
_READ_ANY_FILE = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root's files may be nobody else's, nor root's own


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


def drop_capabilities() -> None:
    """Give up root's powers for good, except that of opening files, which Landlock narrows.

    Threads that already run keep theirs.
    """
    if (column := machine()) is None:
        return
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITIES_VERSION, 0), 8)
    sets = ctypes.create_string_buffer(24)
    call(_CAPGET[column], header, sets)
    permitted = struct.unpack("=6I", sets.raw)[1] & _READ_ANY_FILE
    call(_CAPSET[column], header, ctypes.create_string_buffer(struct.pack("=6I", permitted, permitted, 0, 0, 0, 0), 24))
