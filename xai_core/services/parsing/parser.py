"""A parser: a sandboxed process that reads files, kept warm for the next one."""

from __future__ import annotations

import atexit
import threading
import time
from dataclasses import replace
from typing import Any, Protocol

from xai_core.bias.picture_set import PictureSet
from xai_core.errors import JobError, OutOfMemory, TimedOut, VitrineError, WorkerDied, unexpected
from xai_core.jobs.frames import BadFrame
from xai_core.jobs.launcher import Launcher
from xai_core.jobs.limits import Limits
from xai_core.jobs.process import SandboxedProcess
from xai_core.jobs.sentences import FULL_DISK, is_of_full_disk
from xai_core.services.parsing.question import Answer, FileQuestion
from xai_core.services.parsing.questions.read_picture_set import DigestListed, ListPictures, OpenListed
from xai_core.services.parsing.room import Room
from xai_core.services.parsing.spare import ANSWERING, NOTHING, Spare

IDLE_SECONDS = 60.0


class Parser(Protocol):
    """Reads files of unknown origin."""

    def ask(self, question: FileQuestion[Answer]) -> Answer:
        """Return the answer to a question about a file. Raises a VitrineError if the file cannot be read."""


class SandboxedParser:
    """Reads files in a process of its own, which starts on the first question and ends once it is idle.

    path: the only file that the process may read, besides those sent to it. idle_seconds: how long it waits for the
    next question. answering: the name of the module that answers in the process. extra_path: more folders where it
    finds modules. spare: keeps a process ready, which is taken instead of starting one. room: shared by the parsers
    whose processes are counted together. Any thread may ask; questions are answered one at a time.
    """

    def __init__(
        self,
        path: str = NOTHING,
        limits: Limits | None = None,
        idle_seconds: float = IDLE_SECONDS,
        answering: str = ANSWERING,
        extra_path: tuple[str, ...] = (),
        spare: Spare | None = None,
        room: Room | None = None,
    ) -> None:
        self._path, self._idle_seconds = path, idle_seconds
        self._limits = limits or Limits.from_environment()
        self._launcher, self._spare = Launcher(answering, self._limits, extra_path), spare
        self._room = room or _of_all
        self._process: SandboxedProcess | None = None
        self._timer: threading.Timer | None = None
        self.used = 0.0
        self._lock = threading.RLock()

    @property
    def running(self) -> bool:
        """Whether the process runs, so that the next question need not wait for it to start."""
        process = self._process
        return process is not None and process.alive

    def ask(self, question: FileQuestion[Answer]) -> Answer:
        """Return the answer to a question about a file. Raises a VitrineError if the file cannot be read."""
        header, arrays = question.request()
        with self._lock:
            try:
                process = self._ready()
                value, answer = process.ask(header, arrays, question.largest_answer)
                return self._checked(process, question, value, answer)
            except OSError as error:  # of starting a process
                raise (
                    question.error(FULL_DISK)
                    if is_of_full_disk(error)
                    else unexpected(error, "The process that reads files cannot start", question.error)
                ) from error
            except JobError as error:
                self.close()
                raise question.error(self._in_words(error)) from error
            except VitrineError as error:
                raise error if isinstance(error, question.error) else question.error(str(error)) from error
            finally:
                self._end_later()
                if self._process is None:
                    self._room.leave(self)

    def close(self) -> None:
        """End the process, and so the question that it may be answering; the next question starts a new one."""
        if (running := self._process) is not None:
            running.stop(WorkerDied("The file was closed."))
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            process, self._process, self._timer = self._process, None, None
        if process is not None:
            process.close()
        self._room.leave(self)

    def close_if_idle(self) -> bool:
        """End the process unless it reads at this moment; return whether it did."""
        if idle := self._lock.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._lock.release()
        return idle

    def _checked(self, process: SandboxedProcess, question: FileQuestion[Answer], value: Any, arrays: Any) -> Answer:
        try:
            return question.answer_from_frame(value, arrays)
        except BadFrame as error:
            raise process.distrust(error) from error

    def _ready(self) -> SandboxedProcess:
        if self._process is None or not self._process.alive:
            self.close()
            self._room.enter(self)
            self._process = self._spare.take() if self._spare is not None else None
        if self._process is None:
            self._process = self._launcher.start("none", self._path)
            self._process.hello()
        return self._process

    def _end_later(self) -> None:
        """End the process once it has been idle for long enough."""
        self.used = time.monotonic()
        if self._process is not None and self._timer is None:
            self._wait(self._idle_seconds)

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end_if_idle)
        self._timer.daemon = True
        self._timer.start()

    def _end_if_idle(self) -> None:
        with self._lock:
            left = self.used + self._idle_seconds - time.monotonic()
            if self._process is None:
                self._timer = None
            elif left > 0:
                self._wait(left)
            else:
                self.close()

    def _in_words(self, error: VitrineError) -> str:
        """Return what to say about a process that did not finish."""
        if isinstance(error, TimedOut):
            return f"Reading this file takes longer than {self._limits.open_seconds:g} s. Use a smaller one."
        if isinstance(error, OutOfMemory):
            memory = self._limits.memory("none").smaller_mb
            return f"Reading this file needs more than {memory} MB of memory. Use a smaller one."
        if not isinstance(error, WorkerDied):  # the disk is full, and no file is to blame
            return str(error)
        return "The process that read this file stopped. Try again; if it stops again, the log says why."


def picture_set(parser: Parser, path: str, name: str, label_column: str | None = None) -> PictureSet:
    """Return the labelled pictures of an archive that a parser may read; the parser opens each on demand.

    label_column: the column of labels.csv, or the array, that holds the classes. Raises DataError.
    """
    listed = parser.ask(ListPictures(path, name, label_column))
    return replace(
        listed,
        opened=lambda number: parser.ask(OpenListed(path, label_column, number, str(listed.files[number]))),
        digests=lambda number: parser.ask(DigestListed(path, label_column, number)),
    )


_of_all = Room()


@atexit.register
def _end_all() -> None:
    for parser in _of_all.readers:
        parser.close()
