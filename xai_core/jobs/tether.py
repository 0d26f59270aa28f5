"""Have the kernel kill a process when this one dies, however it dies and whatever either of them is doing."""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import suppress


def tether(process: int) -> tuple[int, ...]:
    """Have a process killed as soon as this one is gone. Close the returned descriptors once it has ended.

    The reading end of a pipe asks for SIGKILL to the process when its writing end closes, and nobody ever writes. The
    kernel closes the descriptors of a dying process in no fixed order, and a reading end that closes first has no
    effect. So there are two pipes, whose ends are numbered in opposite orders.
    """
    rising = os.pipe()
    try:
        reader, writer = os.pipe()
    except OSError:
        for end in rising:
            os.close(end)
        raise
    falling = fcntl.fcntl(reader, fcntl.F_DUPFD_CLOEXEC, writer + 1), writer
    os.close(reader)
    for asking, _ in (rising, falling):
        with suppress(OSError):  # a kernel that cannot do this leaves it to the worker, which watches its requests
            fcntl.fcntl(asking, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(asking, fcntl.F_SETOWN, process)
            fcntl.fcntl(asking, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    return *rising, *falling
