"""Folders for temporary files that other programs cannot find: their names are random, and workers cannot list them.

All folders of a process lie in one of its own, which it locks. A process that was killed leaves its folder behind,
without a lock; the next one that starts removes it.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import suppress

PREFIX = "vitrine-"
FRESH_SECONDS = 60.0
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OWN_NAME = re.compile(PREFIX + "[0-9a-f]{32}")
_changing = threading.Lock()
_own: dict[tuple[int, str], str] = {}  # by process, because it may fork, and by parent folder
_locks: list[int | None] = []  # descriptors that stay open


def private_folder(kind: str, parent: str | None = None) -> str:
    """Return a new empty folder (0700); it is removed when this process exits, at the latest.

    parent: where it lies, made if it is missing; by default in the folder for temporary files. Raises OSError.
    """
    if parent:
        os.makedirs(parent, mode=0o700, exist_ok=True)
    path = os.path.join(_own_folder(parent or tempfile.gettempdir()), f"{kind}-{secrets.token_hex(16)}")
    os.mkdir(path, 0o700)
    return path


def free_bytes(folder: str) -> int:
    """Return the free space on the disk of a folder."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def remove_folder(path: str) -> None:
    """Remove a folder that a hostile process may have filled, at any depth and with any rights."""
    with suppress(RecursionError):
        shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        with suppress(OSError):  # no process can be started: what is left goes when the app is started again
            for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
                subprocess.run([*command, "--", path], check=False, stderr=subprocess.DEVNULL)


def _own_folder(parent: str) -> str:
    key = os.getpid(), parent
    with _changing:
        if key not in _own or not os.path.isdir(_own[key]):
            _remove_stale(parent)
            _own[key] = _locked_folder(parent)
        return _own[key]


def _locked_folder(parent: str) -> str:
    """Make a folder and lock it for as long as this process lives."""
    path = os.path.join(parent, PREFIX + secrets.token_hex(16))
    os.mkdir(path, 0o700)
    _locks.append(_lock(path))
    return path


def _lock(path: str) -> int | None:
    """Lock a folder and return the descriptor that holds the lock; None if it is locked, or its disk has no locks."""
    try:
        folder = os.open(path, _FOLDER)
    except OSError:
        return None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(folder)
        return None
    return folder


def _remove_stale(parent: str) -> None:
    """Remove what killed processes of the same user left behind."""
    with suppress(OSError), os.scandir(parent) as entries:
        for path in [entry.path for entry in entries if _OWN_NAME.fullmatch(entry.name) and _is_old(entry)]:
            if (lock := _lock(path)) is not None:
                remove_folder(path)
                os.close(lock)


def _is_old(entry: os.DirEntry[str]) -> bool:
    """Whether a folder is this user's, and old enough that its maker has had time to lock it."""
    state = entry.stat(follow_symlinks=False)
    return state.st_uid == os.getuid() and time.time() - state.st_mtime > FRESH_SECONDS


@atexit.register
def _remove_own() -> None:
    for (process, _), path in _own.items():
        if process == os.getpid():
            remove_folder(path)
