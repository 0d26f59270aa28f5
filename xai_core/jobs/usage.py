"""What a process uses now, read from /proc."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass

_FIELD = re.compile(rb"^(VmRSS|VmSwap|VmPTE|HugetlbPages|Threads):\s+(\d+)", re.MULTILINE)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Memory in MB, including shared and swapped-out memory, huge pages and page tables; the number of threads."""

    memory_mb: float = 0.0
    threads: int = 0


def usage(process: int) -> Usage:
    """Return what a process uses; zeros once it is gone."""
    try:
        with open(f"/proc/{process}/status", "rb") as file:
            values = {name: int(value) for name, value in _FIELD.findall(file.read())}
    except OSError:
        return Usage()
    threads = values.pop(b"Threads", 0)
    return Usage(sum(values.values()) / 1024, threads)


def queued_seconds(process: int) -> dict[int, float]:
    """Return by thread how long it was ready to run while others had the processor, in seconds.

    Empty if the kernel does not count this (sched-stats) or the process is gone.
    """
    folder, seconds = f"/proc/{process}/task", {}
    with suppress(OSError):
        for thread in os.listdir(folder):
            with suppress(OSError), open(f"{folder}/{thread}/schedstat", "rb") as file:
                seconds[int(thread)] = int(file.read().split()[1]) / 1e9
    return seconds


def processor_seconds(process: int) -> float:
    """Return the processor time that all threads of a process have used, in seconds; 0 once it is gone."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # the name before it may hold anything
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
