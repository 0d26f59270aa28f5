"""Which process comes first when several want the processor."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Final

BEHIND: Final = 1  # steps of niceness: four fifths of the app's share; far less starves a worker on a busy machine
_GROUP = "/proc/{}/autogroup"
_NICENESS = re.compile(r"nice (-?\d+)\s*$")


def give_way(process: int) -> None:
    """Give this process, the app that answers all users, priority over another one when the processor is busy.

    A process in a session of its own has its own share of the processor where the kernel groups by session
    (sched_autogroup); there the group's priority counts, not the process's. What the system refuses is left as it is.
    """
    with suppress(OSError):
        os.sched_setscheduler(process, os.SCHED_BATCH, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, process, _behind(os.getpriority(os.PRIO_PROCESS, 0)))
        with open(_GROUP.format("self")) as ours, open(_GROUP.format(process), "w") as theirs:
            theirs.write(str(_behind(_niceness(ours.read()))))


def _behind(niceness: int) -> int:
    return min(niceness + BEHIND, 19)


def _niceness(group: str) -> int:
    """Return the niceness that the kernel states for a group; it states nothing for those outside all groups."""
    stated = _NICENESS.search(group)
    return int(stated[1]) if stated else 0
