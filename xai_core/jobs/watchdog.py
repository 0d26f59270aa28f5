"""Watch one process: its memory, its deadline, and what it writes."""

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
RESERVE_BYTES = 1 << 30  # free space on the disk; above it, files that no folder shows are tolerated


def watch(process: SandboxedProcess) -> None:
    """Watch a process on a thread of its own until it ends."""
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
    """Whether the disk is nearly full and has lost more space than the process may use since it started.

    This catches open files without a name, which no folder shows. Other programs may have written too, hence the
    reserve.
    """
    free = _free_bytes(process)
    return free < RESERVE_BYTES and free_at_first - free > process.limits.scratch_mb << 20


def _free_bytes(process: SandboxedProcess) -> int:
    disk = os.statvfs(os.path.dirname(process.scratch))  # the folder itself is removed with the process
    return disk.f_bavail * disk.f_frsize


def fits(folder: str, most_bytes: int) -> bool:
    """Return whether a folder holds at most so many bytes and at most `MOST_ENTRIES` files."""
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
        except OSError:  # the path is too long to follow
            return False
    return True


def _size(entry: os.DirEntry[str]) -> int:
    try:
        state = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return 0
    return state.st_blocks * 512  # the holes of a sparse file take no space
