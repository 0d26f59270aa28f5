"""A sandboxed process as the app sees it: two pipes, a scratch folder, a deadline, and the reason it ended."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO

from xai_core.errors import TimedOut, VitrineError, WorkerDied, means_memory
from xai_core.jobs import checks, frames
from xai_core.jobs.allowance import Allowance
from xai_core.jobs.folders import private_folder, remove_folder
from xai_core.jobs.frames import Arrays, BadFrame, Closed, Flood, Header, TooSlow
from xai_core.jobs.launch import WorkerSetup
from xai_core.jobs.limits import Limits
from xai_core.jobs.messages import failure
from xai_core.jobs.priority import give_way
from xai_core.jobs.sandbox import SandboxState, threads_of_user
from xai_core.jobs.sentences import FLOODED, STOPPED, too_much_memory
from xai_core.jobs.tether import tether
from xai_core.jobs.usage import Usage, processor_seconds, queued_seconds, usage

LOG = logging.getLogger(__name__)
Answer = tuple[Header, Arrays]
Tell = Callable[[str], None]
FRAME_SECONDS, QUEUED_FACTOR = 10.0, 3
LONGEST_OPENING = 5  # deadlines, for a process that keeps saying what it is doing
MOST_WORDS = 100  # characters
END_SECONDS, LOOK_SECONDS = 5.0, 0.01
PIPE_BYTES = 1 << 20
LINE_BYTES, LINES_KEPT, LEAST_LINE_BYTES = 2000, 20, 100
# Honest workers send far less: 4 signs of life and 40 previews per second, with small headers.
LOG_BYTES, LOG_BYTES_A_SECOND = 1 << 19, 1 << 14
FRAMES, FRAMES_A_SECOND = 500, 100
HEADER_BYTES, HEADER_BYTES_A_SECOND = 8 << 20, 1 << 19
BODY_BYTES, BODY_BYTES_A_SECOND = 1 << 30, 1 << 28
IDLE_HEADER_BYTES = 1 << 10


def _silent(doing: str) -> None: ...


class SandboxedProcess:
    """A running `xai_core.jobs.worker`; call `close` in the end."""

    def __init__(
        self,
        adapters: str,
        framework: str,
        model: str,
        limits: Limits,
        extra_path: tuple[str, ...] = (),
        code: str = "",
        runs_code: bool = False,
    ) -> None:
        self.framework = framework
        self.scratch = private_folder("worker")
        self.limits = limits
        self.deadline: float | None = None
        self.queued = 0.0  # seconds, counted by whoever watches the process
        self._allowed, self._queued_before = 0.0, 0.0
        self._verdict: VitrineError | None = None
        self._sending = threading.Lock()
        self._ending = threading.Lock()
        self._last_lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._log_bytes = Allowance(LOG_BYTES, LOG_BYTES_A_SECOND)
        self._frames = Allowance(FRAMES, FRAMES_A_SECOND)
        self._header_bytes = Allowance(HEADER_BYTES, HEADER_BYTES_A_SECOND)
        self._body_bytes = Allowance(BODY_BYTES, BODY_BYTES_A_SECOND)
        threads = threads_of_user()
        self._start(WorkerSetup(adapters, framework, model, self.scratch, threads, limits, extra_path, code, runs_code))

    def _start(self, setup: WorkerSetup) -> None:
        """Start the process; if that fails, leave no folder, pipe or process behind."""
        with contextlib.ExitStack() as undo:
            undo.callback(remove_folder, self.scratch)
            self._popen = undo.enter_context(self._begin(setup, undo))
            undo.callback(self._popen.kill)
            self._set_up()
            self._tethers = tether(self._popen.pid)
            for pipe in self._tethers:
                undo.callback(os.close, pipe)
            self._log = threading.Thread(target=self._follow_log, args=(self._popen.stdout,), daemon=True)
            self._log.start()
            undo.pop_all()

    def _begin(self, setup: WorkerSetup, undo: contextlib.ExitStack) -> subprocess.Popen[bytes]:
        with contextlib.ExitStack() as theirs:
            their_requests, self._requests = os.pipe()
            theirs.callback(os.close, their_requests), undo.callback(os.close, self._requests)
            self._results, their_results = os.pipe()
            theirs.callback(os.close, their_results), undo.callback(os.close, self._results)
            return subprocess.Popen(
                setup.command(their_requests, their_results),
                env=setup.environment(),
                cwd=self.scratch,
                pass_fds=(their_requests, their_results),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _set_up(self) -> None:
        os.set_blocking(self._requests, False)
        for pipe in (self._requests, self._results):
            with contextlib.suppress(OSError):  # the kernel limits the total size of a user's pipes
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._be_first_to_go()
        give_way(self._popen.pid)

    @property
    def alive(self) -> bool:
        """Whether it runs. Checked under the lock of `stop`, because the id of a reaped process may be reused."""
        with self._ending:
            return self._popen.poll() is None

    @property
    def usage(self) -> Usage:
        """What it uses now; zeros once it is gone."""
        return usage(self._popen.pid)

    @property
    def processor_seconds(self) -> float:
        """The processor time it has used."""
        return processor_seconds(self._popen.pid)

    @property
    def queued_seconds(self) -> dict[int, float]:
        """How long each of its threads was ready to run while others had the processor."""
        return queued_seconds(self._popen.pid)

    @property
    def idle(self) -> bool:
        """Whether it has no request to answer, and so no deadline."""
        return self.deadline is None

    def allow(self, seconds: float | None) -> None:
        """Set the deadline: the process must send something within these seconds from now; None sets no deadline.

        While a busy machine keeps the process waiting, so does the deadline, for up to `QUEUED_FACTOR` times as long.
        """
        self._allowed, self._queued_before = seconds or 0.0, self.queued
        self.deadline = None if seconds is None else time.monotonic() + seconds

    def overdue(self) -> TimedOut | None:
        """Return the error of a process that missed its deadline, or None."""
        deadline, queued = self.deadline, min(self.queued - self._queued_before, QUEUED_FACTOR * self._allowed)
        if deadline is None or time.monotonic() < deadline + queued:
            return None
        return TimedOut(f"The model took longer than {self._allowed:g} s and was stopped.")

    def send(self, header: Header, arrays: Arrays | None = None) -> None:
        """Send a request. A process that does not read it is stopped; the next `receive` raises the reason."""
        for allowance in (self._frames, self._header_bytes, self._body_bytes, self._log_bytes):
            allowance.refill()  # for the answer, and perhaps a traceback
        try:
            with self._sending:
                if self._requests >= 0:
                    frames.send(self._requests, header, arrays or [], FRAME_SECONDS)
        except (Closed, OSError):
            pass  # `receive` reports the end
        except TooSlow:
            self.stop(TimedOut("The model's process stopped reading requests, so it was ended."))

    def receive(self, largest_body: int = 0) -> tuple[Header, Arrays]:
        """Return the next frame; raise the reason if the process has ended, or is stopped because it lies."""
        try:
            return frames.receive(self._results, largest_body, FRAME_SECONDS, self._accept)
        except Flood as error:
            raise self.distrust(error, FLOODED) from error
        except (BadFrame, TooSlow) as error:
            raise self.distrust(error) from error
        except Closed:
            raise self._death() from None

    def _accept(self, header_bytes: int, body_bytes: int) -> None:
        """Raise Flood if a worker sends more than honest ones do."""
        too_long = self.idle and header_bytes > IDLE_HEADER_BYTES
        within = self._frames.spend(), self._header_bytes.spend(header_bytes), self._body_bytes.spend(body_bytes)
        if too_long or not all(within):
            raise Flood("Too many frames, or too long ones.")

    def hello(self) -> SandboxState:
        """Wait until the libraries are imported and the sandbox is closed; return the state of the sandbox."""
        self.allow(self.limits.start_seconds)
        header, _ = self._answer("hello")
        try:
            state = SandboxState(**header["sandbox"])
        except (KeyError, TypeError) as error:
            raise self.distrust(error) from error
        LOG.info("A process for %s started with %s.", self.framework, state)
        return state

    def first_answer(self, header: Header, tell: Tell = _silent) -> Header:
        """Ask the process to inspect or open the file, and return its answer.

        tell: called with what the process says it is doing. Each time the deadline starts again, so that it counts
        silence and not work, but the whole takes no longer than `LONGEST_OPENING` deadlines.
        """
        longest = time.monotonic() + LONGEST_OPENING * self.limits.open_seconds

        def heard(doing: str) -> None:
            self.allow(self.limits.open_seconds)
            self.deadline = min(self.deadline or longest, longest)
            tell(doing)

        return self.ask(header, tell=heard)[0]

    def ask(self, header: Header, arrays: Arrays | None = None, largest_body: int = 0, tell: Tell = _silent) -> Answer:
        """Send a request with one answer; return its values and arrays, of at most `largest_body` bytes."""
        self.allow(self.limits.open_seconds)
        self.send(header, arrays)
        try:
            answer, received = self._answer("done", largest_body, tell)
        finally:
            self.allow(None)
        value = answer.get("value")
        return value if isinstance(value, dict) else {}, received

    def _answer(self, expected: str, largest_body: int = 0, tell: Tell = _silent) -> Answer:
        header, arrays = self.receive(largest_body)
        while header.get("say") in ("tick", "doing"):
            if header["say"] == "doing":
                tell(checks.text(header.get("words"))[:MOST_WORDS])
            header, arrays = self.receive(largest_body)
        if header.get("say") == "failed":
            raise failure(header)
        if header.get("say") != expected:
            raise self.distrust(BadFrame(f"Expected {expected}; got {header.get('say')!r}."))
        return header, arrays

    def distrust(self, reason: Exception, sentence: str = STOPPED) -> VitrineError:
        """Stop a process that sent nonsense; return the error to raise."""
        LOG.warning("A model's process was stopped because it sent nonsense: %s", reason)
        self.stop(WorkerDied(sentence))
        return self._verdict or WorkerDied(sentence)

    def stop(self, verdict: VitrineError) -> None:
        """Kill the process; the first verdict counts."""
        with self._ending:
            self._verdict = self._verdict or verdict
            if self._popen.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._popen.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill the process if it still runs, and remove its pipes and its folder; a second call does nothing."""
        self.stop(WorkerDied("The model was closed."))
        self._wait(END_SECONDS)
        self._log.join(END_SECONDS)
        with self._sending:
            pipes, self._requests, self._results = {self._requests, self._results}, -1, -1
        for pipe in pipes - {-1}:
            os.close(pipe)
        tethers, self._tethers = self._tethers, ()
        for pipe in tethers:
            os.close(pipe)
        remove_folder(self.scratch)

    def _death(self) -> VitrineError:
        if not self._wait(END_SECONDS):  # it closed its pipe but still runs
            self.stop(WorkerDied(STOPPED))
            self._wait(END_SECONDS)
        self._log.join(END_SECONDS)
        if self._verdict:
            return self._verdict
        LOG.warning("A model's process ended with code %s.", self._popen.returncode)
        if means_memory(" ".join(self._last_lines)):
            return too_much_memory(self.limits.memory(self.framework).smaller_mb)
        return WorkerDied(STOPPED)

    def _wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self.alive and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        return not self.alive

    def _be_first_to_go(self) -> None:
        """Tell the kernel to kill this process first if the machine runs out of memory."""
        with contextlib.suppress(OSError), open(f"/proc/{self._popen.pid}/oom_score_adj", "w") as file:
            file.write("1000")

    def _follow_log(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(LINE_BYTES):
                if not self._log_bytes.spend(max(len(line), LEAST_LINE_BYTES)):
                    return self.stop(WorkerDied(FLOODED))
                words = "".join(c if c.isprintable() else " " for c in line.decode(errors="replace")).rstrip()
                self._last_lines.append(words)
                LOG.info("worker %s: %s", self._popen.pid, words)
        return None
