"""A process that waits for the next tab, so that its first file need not wait for one to start."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable

from xai_core.errors import VitrineError
from xai_core.jobs.launcher import Launcher
from xai_core.jobs.limits import Limits
from xai_core.jobs.process import SandboxedProcess
from xai_core.services.parsing.questions.warm_up import WarmUp

LOG = logging.getLogger(__name__)
ANSWERING = "xai_core.services.parsing.answering"
NOTHING = os.devnull  # what a process may read if its files are sent to it
LOOK_SECONDS, IDLE_SHARE = 1.0, 0.5  # of one processor
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Spare:
    """Keeps one process that has read no file; each is taken by one tab only.

    The next one starts in the background once the processor is idle. is_idle: returns whether it is, after a while.
    """

    def __init__(self, launcher: Launcher | None = None, is_idle: Callable[[], bool] | None = None) -> None:
        self._launcher = launcher or Launcher(ANSWERING, Limits.from_environment())
        self._is_idle = is_idle or processor_is_idle
        self._process: SandboxedProcess | None = None
        self._preparing: threading.Thread | None = None
        self._lock = threading.Lock()  # held while a process starts: taking that one is faster than starting another
        self._closed = threading.Event()
        atexit.register(self.close)

    @property
    def ready(self) -> bool:
        """Whether a process waits."""
        process = self._process
        return process is not None and process.alive

    def take(self) -> SandboxedProcess | None:
        """Return the process that waits, and prepare the next; None if there is none."""
        with self._lock:
            process, self._process = self._process, None
        self.prepare()
        if process is None or process.alive:
            return process
        process.close()
        return None

    def prepare(self) -> None:
        """Start a process in the background as soon as the processor is idle, unless one waits."""
        with self._lock:
            busy = self._preparing is not None and self._preparing.is_alive()
            if not (busy or self.ready or self._closed.is_set()):
                self._preparing = threading.Thread(target=self._prepare, name="spare-parser", daemon=True)
                self._preparing.start()

    def close(self) -> None:
        """End the process that waits; no other is started."""
        self._closed.set()
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()
        atexit.unregister(self.close)

    def _prepare(self) -> None:
        while not self._is_idle():
            if self._closed.wait(LOOK_SECONDS):
                return
        with self._lock:
            if not self._closed.is_set():
                self._process = self._started()

    def _started(self) -> SandboxedProcess | None:
        """Return a process that has imported what files need; None, and a line in the log, if it cannot start."""
        process = None
        try:
            process = self._launcher.start("none", NOTHING)
            process.hello()
            process.ask(*WarmUp().request())
        except (VitrineError, OSError):
            LOG.warning("No process could be prepared for the next file.", exc_info=True)
            if process is not None:
                process.close()
            return None
        return process


def processor_is_idle() -> bool:
    """Return whether half of one processor was idle for a second, see proc_stat(5)."""
    before = _idle_seconds()
    time.sleep(LOOK_SECONDS)
    return _idle_seconds() - before >= IDLE_SHARE * LOOK_SECONDS


def _idle_seconds() -> float:
    """Return how long all processors together have been idle; if the kernel does not say, as if one always were."""
    try:
        with open("/proc/stat", "rb") as file:
            return int(file.readline().split()[4]) / TICKS_PER_SECOND
    except (OSError, IndexError, ValueError):
        return time.monotonic()
