"""One model in its own process: the process starts, opens the file, then answers questions."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from xai_core.errors import TimedOut, VitrineError, WorkerDied
from xai_core.jobs import messages
from xai_core.jobs.base import Job, Status
from xai_core.jobs.frames import Arrays, BadFrame, Header
from xai_core.jobs.launcher import Launcher
from xai_core.jobs.messages import failure
from xai_core.jobs.process import SandboxedProcess
from xai_core.jobs.sandbox import sandbox_in_force
from xai_core.jobs.sentences import FULL_DISK, STOPPED, is_of_full_disk
from xai_core.jobs.tasks import FINAL, Task
from xai_core.types import Card, FileKind, ModelSource

LOG = logging.getLogger(__name__)
STOPPING = "stopping the cancelled run"


class ModelProcess:
    """Starts a process, opens its model and answers on a thread of its own; any thread may call the public methods.

    wait_for_room: blocks until the process may start, or was closed. elsewhere: restarts a task in a new process, if
    this one had to be killed because a cancelled job did not stop.
    """

    def __init__(
        self,
        source: ModelSource,
        launcher: Launcher,
        wait_for_room: Callable[[ModelProcess], None],
        elsewhere: Callable[[ModelSource, Task], object],
    ) -> None:
        self.source = source
        self._located = _located(source)
        self.card: Card | None = None
        self.used = time.monotonic()
        self.ended = False
        self.closed = False
        self._launcher, self._wait_for_room, self._elsewhere = launcher, wait_for_room, elsewhere
        self._process: SandboxedProcess | None = None
        self._doing = "starting a process"
        self._ids = itertools.count(1)
        self._tasks: dict[int, Task] = {}
        self._openings: list[Job[Card]] = []
        self._lock = threading.RLock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether the model is open and has nothing to do."""
        with self._lock:
            return self.card is not None and not self._tasks

    @property
    def resident_mb(self) -> float:
        process = self._process
        return process.usage.memory_mb if process else 0.0

    def open(self, job: Job[Card]) -> bool:
        """Answer with the model's card once it is open; return False if the process has ended or is ending."""
        with self._lock:
            if self.ended or self.closed:
                return False
            self.used = time.monotonic()
            if self.card:
                job.update(status=Status.DONE, latest=self.card)
            else:
                self._openings.append(job)
                job.update(doing=self._doing)
            return True

    def submit(self, task: Task) -> bool:
        """Accept a task unless its job was cancelled; return False if the process has ended or is ending."""
        with self._lock:
            if self.ended or self.closed:
                return False
            if task.job.state.ended:
                return True
            self.used = time.monotonic()
            job_id = next(self._ids)
            task.header["job"], task.began = job_id, None
            is_open = self.card is not None
            task.update(status=Status.WAITING, latest=None, doing=self._what_comes_first())
            self._tasks[job_id] = task
            self._expect()
        if is_open:
            self._send(task.header, task.arrays)
        return True

    def cancel(self, job: Job[Any]) -> None:
        """Stop working on a cancelled job, at the worker's next step; if that takes too long the worker is killed."""
        with self._lock:
            if job in self._openings:
                self._openings.remove(job)
                return None
            tasks = [(job_id, task) for job_id, task in self._tasks.items() if task.job is job]
            if not tasks:
                return None
            job_id, task = tasks[0]
            if self.card is None:
                del self._tasks[job_id]
                return None
            task.cancel_by = min(task.cancel_by, time.monotonic() + self._launcher.limits.step_seconds)
            self._expect()
        return self._send({"ask": "cancel", "job": job_id})

    def close(self) -> None:
        """End the process; unfinished jobs are cancelled."""
        with self._lock:
            self.closed = True
            process = self._process
        if process:
            process.stop(WorkerDied("The model was closed."))

    def close_if_idle(self) -> bool:
        """Close the process if it is idle, and return whether it is closed; no job can slip in between."""
        with self._lock:
            if self.idle:
                self.close()
            return self.closed

    def join(self, seconds: float) -> None:
        """Wait until the closed process is gone."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._wait_for_room(self)
            kind = self._inspect()
            self._open(kind)
            self._follow()
        except VitrineError as error:
            self._end(error)
        except Exception as error:
            LOG.exception("Following a model's process failed.")
            self._end(WorkerDied(FULL_DISK if is_of_full_disk(error) else STOPPED))

    def _inspect(self) -> FileKind:
        process = self._start("none")
        try:
            process.hello()
            answer = process.first_answer(
                {"ask": "inspect", "job": 0, "source": messages.source_to_json(self._located)}
            )
            return messages.kind_from_json(answer)
        except BadFrame as error:
            raise process.distrust(error) from error
        finally:
            process.close()

    def _open(self, kind: FileKind) -> None:
        with_code = self.source.code is not None
        self._launcher.check(kind, sandbox_in_force(), with_code)
        process = self._start(kind.framework)
        self._launcher.check(kind, process.hello(), with_code)
        self._say("loading the model")
        source = messages.source_to_json(self._located)
        request = {"ask": "open", "job": 0, "source": source, "kind": messages.kind_to_json(kind)}
        try:
            card = messages.card_from_json(process.first_answer(request, self._say_loading))
        except BadFrame as error:
            raise process.distrust(error) from error
        self._ready(card)

    def _start(self, framework: str) -> SandboxedProcess:
        with self._lock:
            if self.closed:
                raise WorkerDied("The model was closed.")
            code = self._located.code
            self._process = self._launcher.start(framework, self._located.path, code.path if code else "")
            return self._process

    def _say(self, doing: str) -> None:
        with self._lock:
            self._doing = doing
            for job in self._jobs():
                job.update(doing=doing)

    def _say_loading(self, doing: str) -> None:
        self._say(f"loading the model: {doing}")

    def _jobs(self) -> list[Job[Any]]:
        return [*self._openings, *(task.job for task in self._tasks.values())]

    def _ready(self, card: Card) -> None:
        with self._lock:
            self.card = card
            for job in self._openings:
                job.update(status=Status.DONE, latest=card, doing="")
            self._openings = []
            waiting = list(self._tasks.values())
            for task in waiting:
                task.update(doing="")
            self._expect()
        for task in waiting:
            self._send(task.header, task.arrays)

    def _follow(self) -> None:
        assert self._process
        while True:
            header, arrays = self._process.receive(self._largest_answer())
            try:
                self._hear(header, arrays)
            except BadFrame as error:
                raise self._process.distrust(error) from error

    def _hear(self, header: Header, arrays: Arrays) -> None:
        with self._lock:
            self.used = time.monotonic()
            if header.get("say") != "tick":
                self._pass_on(header, arrays)
            self._expect(heard=True)

    def _pass_on(self, header: Header, arrays: Arrays) -> None:
        job_id = header.get("job")
        task = self._tasks.get(job_id) if type(job_id) is int else None
        if task is None or self.card is None:
            raise BadFrame("The worker answers a job that it was not given.")
        if header.get("say") == "failed":
            task.update(status=Status.FAILED, error=failure(header))
        else:
            task.hear(header, arrays, self.card)
        if header.get("say") in FINAL:
            del self._tasks[task.header["job"]]

    def _largest_answer(self) -> int:
        with self._lock:
            return max((task.largest_answer(self.card) for task in self._tasks.values() if self.card), default=0)

    def _expect(self, heard: bool = False) -> None:
        """Set the deadline: a working model must give signs of life, and a cancelled job must end despite them."""
        process = self._process
        if process is None or self.card is None:
            return
        if not self._tasks:
            process.allow(None)
        elif heard or process.deadline is None:  # asking again gives no more time
            process.allow(self._launcher.limits.step_seconds)
        if self._tasks and process.deadline is not None:
            process.deadline = min(process.deadline, *(task.cancel_by for task in self._tasks.values()))

    def _send(self, header: Header, arrays: Arrays | None = None) -> None:
        if self._process:
            self._process.send(header, arrays)

    def _end(self, error: VitrineError) -> None:
        if self.idle and not self.closed:
            LOG.warning("The process of an idle model has ended: %s", error)
        with self._lock:
            self.ended, process = True, self._process
            status = {"status": Status.CANCELLED} if self.closed else {"status": Status.FAILED, "error": error}
            waiting = self._not_to_blame(error)
            for job_id, task in self._tasks.items():
                if job_id not in waiting:
                    task.update(**status)
            for job in self._openings:
                job.update(**status)
            self._tasks, self._openings = {}, []
        if process:
            process.close()
        for task in waiting.values():
            self._elsewhere(self.source, task)

    def _not_to_blame(self, error: VitrineError) -> dict[int, Task]:
        """Return the tasks beside a cancelled one that did not stop in time; one that hangs will fail next time."""
        if self.closed or not isinstance(error, TimedOut) or not self._cancelled():
            return {}
        return {job_id: task for job_id, task in self._tasks.items() if not task.job.state.ended}

    def _cancelled(self) -> list[Task]:
        """Return the cancelled tasks that the worker has not ended yet."""
        return [task for task in self._tasks.values() if task.job.state.ended]

    def _what_comes_first(self) -> str:
        """Return in words what a new task has to wait for; "" if for nothing but its turn."""
        if self.card is None:
            return self._doing
        return STOPPING if self._cancelled() else ""


def _located(source: ModelSource) -> ModelSource:
    """Return a source with absolute paths, since its worker runs in a different folder."""
    code = source.code and replace(source.code, path=os.path.abspath(source.code.path))
    return replace(source, path=os.path.abspath(source.path), code=code)
