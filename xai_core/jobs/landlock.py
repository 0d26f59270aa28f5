"""Close the file system, TCP and signals to other processes with Landlock (Linux 5.13 and later).

Rights and structures: the kernel's documentation, userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from enum import IntFlag, auto

from xai_core.jobs import kernel


class Right(IntFlag):
    """The rights that a rule can grant, in the kernel's order."""

    EXECUTE = auto()
    WRITE_FILE = auto()
    READ_FILE = auto()
    READ_DIR = auto()
    REMOVE_DIR = auto()
    REMOVE_FILE = auto()
    MAKE_CHAR = auto()
    MAKE_DIR = auto()
    MAKE_REG = auto()
    MAKE_SOCK = auto()
    MAKE_FIFO = auto()
    MAKE_BLOCK = auto()
    MAKE_SYM = auto()
    REFER = auto()
    TRUNCATE = auto()
    IOCTL_DEV = auto()


READ = Right.READ_FILE | Right.READ_DIR
WRITE = (READ | Right.WRITE_FILE | Right.REMOVE_DIR | Right.REMOVE_FILE | Right.MAKE_DIR | Right.MAKE_REG) | (
    Right.REFER | Right.TRUNCATE
)
DEVICE = READ | Right.WRITE_FILE | Right.IOCTL_DEV
_OF_FILES = Right.EXECUTE | Right.WRITE_FILE | Right.READ_FILE | Right.TRUNCATE | Right.IOCTL_DEV
_TCP_BIND_AND_CONNECT = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3
_VERSION_FLAG = 1


def version() -> int:
    """Return the kernel's version of Landlock; 0 if it has none."""
    try:
        return kernel.call(kernel.LANDLOCK_CREATE, 0, 0, _VERSION_FLAG)
    except OSError:
        return 0


def close_files(read: Iterable[str], write: Iterable[str], devices: Iterable[str] = ()) -> int:
    """Leave this process these paths and nothing else; return the version of Landlock that holds, 0 for none.

    Threads that already run are not restricted, so call this before any thread starts.
    """
    if not (offered := version()):
        return 0
    rules = _ruleset(offered)
    for paths, rights in ((read, READ), (write, WRITE), (devices, DEVICE)):
        for path in paths:
            if (place := _allow(rules, path, rights & _known(offered))) is not None and not _is_passing(path):
                os.close(place)
    kernel.no_new_privileges()
    kernel.call(kernel.LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)
    return offered


def _known(version: int) -> Right:
    known = Right(Right.REFER - 1)
    for since, right in ((2, Right.REFER), (3, Right.TRUNCATE), (5, Right.IOCTL_DEV)):
        known |= right if version >= since else 0
    return known


def _ruleset(version: int) -> int:
    fields = [int(_known(version)), _TCP_BIND_AND_CONNECT, _ABSTRACT_SOCKETS_AND_SIGNALS]
    fields = fields[: 1 if version < 4 else 2 if version < 6 else 3]
    packed = struct.pack(f"={len(fields)}Q", *fields)
    return kernel.call(kernel.LANDLOCK_CREATE, ctypes.create_string_buffer(packed, len(packed)), len(packed), 0)


def _allow(rules: int, path: str, rights: Right) -> int | None:
    """Add a rule, and return a descriptor that holds its file; None if the path cannot be reached."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None
    rights = rights if os.path.isdir(path) else rights & _OF_FILES
    rule = ctypes.create_string_buffer(struct.pack("=Qi", int(rights), place), 12)
    kernel.call(kernel.LANDLOCK_ADD, rules, 1, rule, 0)
    return place


def _is_passing(path: str) -> bool:
    """Whether the kernel forgets a file that nobody holds, and makes a new one, without the rule, at the next look."""
    return path.startswith("/proc/self/")
