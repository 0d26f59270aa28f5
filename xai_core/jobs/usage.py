"""What a process uses at this moment, as the kernel tells in /proc."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_FIELD = re.compile(rb"^(VmRSS|VmSwap|VmPTE|HugetlbPages|Threads):\s+(\d+)", re.MULTILINE)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Memory of all kinds in MB, shared, swapped out, huge and of page tables; number of threads."""

    memory_mb: float = 0.0
    threads: int = 0


def usage(process: int) -> Usage:
    """Return what a process uses; nothing once it is gone."""
    try:
        with open(f"/proc/{process}/status", "rb") as file:
            found = {name: int(value) for name, value in _FIELD.findall(file.read())}
    except OSError:
        return Usage()
    threads = found.pop(b"Threads", 0)
    return Usage(sum(found.values()) / 1024, threads)


def processor_seconds(process: int) -> float:
    """Return how long all threads of a process have computed; 0 once it is gone."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # the name before it may hold anything
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
