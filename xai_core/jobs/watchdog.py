"""Watch one process: its memory and threads, its deadline, what it writes, and whether it computes unasked."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time

from xai_core.errors import JobError, RefusedModel, VitrineError, WorkerDied
from xai_core.jobs.allowance import Allowance
from xai_core.jobs.folders import free_bytes
from xai_core.jobs.process import SandboxedProcess
from xai_core.jobs.sentences import BUSY_UNASKED, STOPPED, too_much_memory

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 0.05
SLOW_LOOK_SECONDS = 0.5
MOST_ENTRIES = 10_000
RESERVE_BYTES = 1 << 30  # free space on the disk; above it, files that no folder shows are tolerated
NO_HANDLES = (errno.EMFILE, errno.ENFILE)
IDLE_SECONDS, IDLE_SHARE = 5.0, 0.05  # processor time of an idle worker: at once, then per second


def watch(process: SandboxedProcess) -> None:
    """Watch a process on a thread of its own until it ends."""
    threading.Thread(target=_Watch(process).follow, daemon=True).start()


class _Watch:
    """Watches a process, and remembers what it used at the last look."""

    def __init__(self, process: SandboxedProcess) -> None:
        self._process = process
        self._limit = process.limits.memory(process.framework)
        self._disk = os.path.dirname(process.scratch)  # the folder itself is removed with the process
        self._free_at_first = free_bytes(self._disk)
        self._slow_look_due, self._computed = 0.0, 0.0
        self._queued: dict[int, float] = {}
        self._unasked = Allowance(IDLE_SECONDS, IDLE_SHARE)

    def follow(self) -> None:
        """Look at the process until it ends, or stop it for good reason; never leave it unwatched."""
        try:
            while self._process.alive:
                if verdict := self._process.overdue() or self._too_much_used() or self._slow_look():
                    return self._process.stop(verdict)
                time.sleep(LOOK_SECONDS)
        except Exception:
            LOG.exception("Watching a model's process failed, so it is stopped.")
            self._process.stop(WorkerDied(STOPPED))
        return None

    def _too_much_used(self) -> VitrineError | None:
        usage, most = self._process.usage, self._process.limits.threads
        if usage.memory_mb > self._limit.resident_mb:
            return too_much_memory(self._limit.smaller_mb)
        if usage.threads > most:
            return RefusedModel(f"The model started more than {most} threads and was stopped.")
        return None

    def _slow_look(self) -> VitrineError | None:
        if time.monotonic() < self._slow_look_due:
            return None
        self._slow_look_due = time.monotonic() + SLOW_LOOK_SECONDS
        self._count_queued()
        return self._too_much_written() or self._disk_filled() or self._computes_unasked()

    def _count_queued(self) -> None:
        """Add how long the process could not compute since the last look: as long as the thread that waited longest."""
        before, self._queued = self._queued, self._process.queued_seconds
        waits = [seconds - before[thread] for thread, seconds in self._queued.items() if thread in before]
        self._process.queued += max(waits, default=0.0)

    def _too_much_written(self) -> RefusedModel | None:
        most = self._process.limits.scratch_mb
        if fits(self._process.scratch, most << 20):
            return None
        return RefusedModel(f"The model wrote more than {most} MB or {MOST_ENTRIES} files and was stopped.")

    def _disk_filled(self) -> JobError | None:
        """Stop the process if the disk is nearly full and has lost more than the process may use since it started.

        This catches open files without a name, which no folder shows. Other programs may have written too, hence the
        reserve.
        """
        most, free = self._process.limits.scratch_mb, free_bytes(self._disk)
        if free >= RESERVE_BYTES or self._free_at_first - free <= most << 20:
            return None
        return JobError(
            f"The disk for temporary files is nearly full: more than {most} MB were written since the model started, "
            "so it was stopped. Make room on the disk and try again."
        )

    def _computes_unasked(self) -> WorkerDied | None:
        computed = self._process.processor_seconds
        since, self._computed = computed - self._computed, computed
        if not self._process.idle:
            self._unasked.refill()
        elif not self._unasked.spend(since):
            return WorkerDied(BUSY_UNASKED)
        return None


def fits(folder: str, most_bytes: int) -> bool:
    """Return whether a folder holds at most `most_bytes` and `MOST_ENTRIES` files."""
    size, entries, left = 0, 0, [folder]
    while left:
        try:
            with os.scandir(left.pop()) as folder_entries:
                for entry in folder_entries:
                    entries += 1
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    else:
                        size += _size(entry)
                    if entries > MOST_ENTRIES or size > most_bytes:
                        return False
        except FileNotFoundError:  # it was removed meanwhile
            continue
        except OSError as error:  # a path that is too long to follow, unless it is the app that cannot open any more
            return error.errno in NO_HANDLES
    return True


def _size(entry: os.DirEntry[str]) -> int:
    try:
        state = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return 0
    return state.st_blocks * 512  # the holes of a sparse file take no space
