"""One model in its process: looked at, opened, then asked."""

from __future__ import annotations

import itertools
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Generic

from xai_core.errors import RefusedModel, VitrineError, WorkerDied, named
from xai_core.jobs import messages, sandbox, sentences
from xai_core.jobs.base import Job, Result, Status
from xai_core.jobs.frames import Arrays, BadFrame, Header
from xai_core.jobs.launch import WorkerSetup
from xai_core.jobs.limits import Limits
from xai_core.jobs.process import WorkerProcess
from xai_core.types import Card, FileKind, ModelSource

SAFE_WITHOUT_SANDBOX = ("torch-weights", "safetensors", "onnx", "onnx-zip", "keras")


@dataclass(frozen=True)
class Ask(Generic[Result]):
    """A request, and how its answers are read: `read(value, arrays)` raises BadFrame where they make no sense."""

    header: Header
    arrays: Arrays
    read: Callable[[Any, Any], Result]


@dataclass
class _Pending:
    job: Job[Any]
    ask: Ask[Any]
    began: float = field(default_factory=time.monotonic)


class Resident:
    """A model's place on this machine. Opening starts at once, in a thread of its own."""

    def __init__(self, adapters: str, source: ModelSource, limits: Limits, extra_path: tuple[str, ...]) -> None:
        self._adapters, self._source, self._limits, self._extra_path = adapters, source, limits, extra_path
        self._card: Card | None = None
        self._error: VitrineError | None = None
        self._doing = "looking at the file"
        self._worker: WorkerProcess | None = None
        self._ids = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._opening: list[Job[Card]] = []
        self._lock = threading.RLock()
        threading.Thread(target=self._begin, daemon=True).start()

    @property
    def ready(self) -> bool:
        return self._card is not None and self.alive

    @property
    def alive(self) -> bool:
        return self._error is None

    @property
    def idle(self) -> bool:
        return self.ready and not self._pending

    @property
    def card(self) -> Card:
        """What was recognised; only once it is ready."""
        if self._card is None:
            raise BadFrame("The model is not open.")
        return self._card

    @property
    def resident_mb(self) -> int:
        worker = self._worker
        return worker.resident_mb if worker else 0

    def open(self) -> Job[Card]:
        """Return a job that ends when the model is open."""
        job: Job[Card] = Job(cancel=lambda: job.update(status=Status.CANCELLED))
        with self._lock:
            self._opening.append(job)
            self._tell()
        return job

    def ask(self, ask: Ask[Result]) -> Job[Result]:
        """Send a request as soon as the model is open, and return its job."""
        number = next(self._ids)
        job: Job[Result] = Job(cancel=lambda: self._cancel(number))
        with self._lock:
            self._pending[number] = _Pending(job, ask)
            if self.ready:
                self._send(number)
            self._tell()
        return job

    def end(self, cause: VitrineError) -> None:
        """End the process; what was under way fails with `cause`."""
        with self._lock:
            worker = self._worker
            self._fail(cause)
        if worker:
            worker.end(cause)

    def _begin(self) -> None:
        try:
            kind = self._inspected()
            card = messages.card_from_json(self._dialogue(kind.framework, self._opening_request(kind)))
        except VitrineError as error:
            return self._fail(error)
        except BadFrame:
            return self.end(WorkerDied(sentences.STOPPED))
        with self._lock:
            self._card, self._doing = card, ""
            self._tell()
            for number in self._pending:
                self._send(number)
        return None

    def _inspected(self) -> FileKind:
        value = self._dialogue("none", {"ask": "inspect", "job": 0, "source": asdict(self._source)})
        kind = messages.kind_from_json(value)
        worker, self._worker = self._worker, None
        if worker:
            worker.end(WorkerDied(sentences.STOPPED))
        return kind

    def _opening_request(self, kind: FileKind) -> Header:
        return {"ask": "open", "job": 0, "source": asdict(self._source), "kind": messages.kind_to_json(kind)}

    def _dialogue(self, framework: str, request: Header) -> Any:
        """Start a worker, wait for its hello, make one request and return the answer's value."""
        said: queue.SimpleQueue[Header | VitrineError] = queue.SimpleQueue()
        worker = self._started(framework, said)
        self._say_doing("loading the libraries" if framework != "none" else "looking at the file")
        worker.expect(self._limits.start_seconds)
        hello = _heard(said, "hello")
        _check_sandbox(hello, request.get("kind"))
        self._say_doing("loading the model" if framework != "none" else "looking at the file")
        worker.expect(self._limits.open_seconds)
        worker.say(request)
        answer = _heard(said, "done")
        worker.expect(None)
        return answer.get("value")

    def _started(self, framework: str, said: queue.SimpleQueue[Header | VitrineError]) -> WorkerProcess:
        setup = WorkerSetup(
            self._adapters,
            framework,
            self._source.path,
            tempfile.mkdtemp(prefix="vitrine-worker-"),
            sandbox.threads_of_user(),
            self._limits,
            self._extra_path,
        )

        def hear(header: Header, arrays: Arrays) -> None:
            if self._card is None:
                said.put(header)
            else:
                self._hear(header, arrays)

        def gone(cause: VitrineError) -> None:
            said.put(cause)
            with self._lock:
                if self._worker is worker:
                    self._fail(cause)

        with self._lock:
            if self._error:
                raise self._error
            worker = self._worker = WorkerProcess(setup, hear, gone)
        return worker

    def _send(self, number: int) -> None:
        pending, worker = self._pending[number], self._worker
        if worker:
            worker.expect(self._limits.step_seconds)
            worker.say({**pending.ask.header, "job": number}, pending.ask.arrays)

    def _cancel(self, number: int) -> None:
        with self._lock:
            pending = self._pending.get(number)
            if pending and self.ready and self._worker:
                self._worker.say({"ask": "cancel", "job": number})
            elif pending:
                del self._pending[number]
                pending.job.update(status=Status.CANCELLED)

    def _hear(self, header: Header, arrays: Arrays) -> None:
        if header.get("say") == "tick":
            return
        with self._lock:
            pending = self._pending.get(header.get("job", -1))
            if pending is None:
                raise BadFrame("A worker speaks of a job that it was not given.")
            self._update(pending, header, arrays)
            if pending.job.state.ended:
                del self._pending[header["job"]]
            if not self._pending and self._worker:
                self._worker.expect(None)

    def _update(self, pending: _Pending, header: Header, arrays: Arrays) -> None:
        job, seconds = pending.job, time.monotonic() - pending.began
        match header.get("say"):
            case "started":
                pending.began = time.monotonic()
                job.update(status=Status.RUNNING, doing="")
            case "preview":
                job.update(latest=pending.ask.read(header.get("value"), arrays), seconds=seconds)
            case "done":
                found = pending.ask.read(header.get("value"), arrays)
                job.update(latest=found, seconds=seconds, status=Status.DONE)
            case "cancelled":
                job.update(status=Status.CANCELLED, seconds=seconds)
            case "failed":
                job.update(error=_error_in(header), status=Status.FAILED)
            case _:
                raise BadFrame("A worker says something unknown.")

    def _fail(self, cause: VitrineError) -> None:
        with self._lock:
            self._error = self._error or cause
            jobs = [pending.job for pending in self._pending.values()] + self._opening
            self._pending.clear()
            self._opening.clear()
        for job in jobs:
            job.update(error=self._error, status=Status.FAILED)

    def _say_doing(self, doing: str) -> None:
        with self._lock:
            self._doing = doing
            self._tell()

    def _tell(self) -> None:
        """Bring the waiting jobs up to date."""
        if self._error:
            return self._fail(self._error)
        for job in [*self._opening, *(p.job for p in self._pending.values())]:
            if job.state.status is Status.WAITING:
                job.update(doing=self._doing)
        if self._card is not None:
            for job in self._opening:
                job.update(status=Status.DONE, latest=self._card)
            self._opening.clear()
        return None


def _heard(said: queue.SimpleQueue[Header | VitrineError], expected: str) -> Header:
    while True:
        header = said.get()
        if isinstance(header, VitrineError):
            raise header
        match header.get("say"):
            case "tick":
                continue
            case "failed":
                raise _error_in(header)
            case found if found == expected:
                return header
        raise BadFrame(f"A worker says something else than {expected}.")


def _error_in(header: Header) -> VitrineError:
    return named(messages.text(header.get("error")), messages.text(header.get("message")))


def _check_sandbox(hello: Header, kind: Any) -> None:
    found = hello.get("sandbox")
    complete = isinstance(found, dict) and found.get("landlock", 0) > 0 and found.get("seccomp") is True
    allowed = os.environ.get("VITRINE_ALLOW_NO_SANDBOX") == "1"
    if complete or allowed or kind is None or kind["format"] in SAFE_WITHOUT_SANDBOX:
        return
    raise RefusedModel(
        "This machine's kernel offers no Landlock, and files of this kind can run code of their own: only state dicts, "
        "safetensors, ONNX and .keras files are opened here. Save the model as one of these."
    )
