"""Watches one process: its memory, its deadline, and what it writes."""

from __future__ import annotations

import os
import threading
import time

from xai_core.errors import RefusedModel, VitrineError
from xai_core.jobs.process import SandboxedProcess
from xai_core.jobs.sentences import too_much_memory

LOOK_SECONDS = 0.05
SCRATCH_SECONDS = 0.5
MOST_ENTRIES = 10_000
RESERVE_BYTES = 1 << 30  # of the disk; while more is free, what no folder shows is left alone


def watch(process: SandboxedProcess) -> None:
    """Look after a process, on a thread of its own, until it ends."""
    threading.Thread(target=_look_after, args=(process,), daemon=True).start()


def _look_after(process: SandboxedProcess) -> None:
    limit, scratch_due = process.limits.memory(process.framework), 0.0
    free_at_first = _free_bytes(process)
    while process.alive:
        verdict: VitrineError | None = process.overdue()
        if process.resident_mb > limit.resident_mb:
            verdict = too_much_memory(limit.smaller_mb)
        if not verdict and time.monotonic() >= scratch_due:
            scratch_due = time.monotonic() + SCRATCH_SECONDS
            verdict = _too_much_written(process, free_at_first)
        if verdict:
            return process.stop(verdict)
        time.sleep(LOOK_SECONDS)
    return None


def _too_much_written(process: SandboxedProcess, free_at_first: int) -> RefusedModel | None:
    most = process.limits.scratch_mb
    if fits(process.scratch, most << 20) and not _fills_the_disk(process, free_at_first):
        return None
    return RefusedModel(f"The model wrote more than {most} MB or {MOST_ENTRIES} files and was stopped.")


def _fills_the_disk(process: SandboxedProcess, free_at_first: int) -> bool:
    """Whether the disk is nearly full and lost more than the process may write since it started.

    This finds open files without a name, which no folder shows. Others may have written too, so the reserve decides.
    """
    free = _free_bytes(process)
    return free < RESERVE_BYTES and free_at_first - free > process.limits.scratch_mb << 20


def _free_bytes(process: SandboxedProcess) -> int:
    disk = os.statvfs(os.path.dirname(process.scratch))  # the folder itself goes when the process does
    return disk.f_bavail * disk.f_frsize


def fits(folder: str, most_bytes: int) -> bool:
    """Whether a folder holds no more than so many bytes, and no more than `MOST_ENTRIES` files."""
    size, entries, left = 0, 0, [folder]
    while left:
        try:
            with os.scandir(left.pop()) as found:
                for entry in found:
                    entries += 1
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    else:
                        size += _size(entry)
                    if entries > MOST_ENTRIES or size > most_bytes:
                        return False
        except FileNotFoundError:  # removed meanwhile
            continue
        except OSError:  # a path too long to follow
            return False
    return True


def _size(entry: os.DirEntry[str]) -> int:
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return 0
    return found.st_blocks * 512  # a sparse file takes no room
