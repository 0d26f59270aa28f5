"""The worker's side of the dialogue: say hello, open the model, then answer questions until the app is gone."""

from __future__ import annotations

import importlib
import os
import queue
import shutil
import sys
import threading
import time
import traceback
from types import ModuleType

from xai_core.doing import heard_by
from xai_core.errors import UnsupportedModel
from xai_core.jobs import frames, messages, sandbox
from xai_core.jobs.frames import Arrays, Header
from xai_core.jobs.launch import WorkerSetup
from xai_core.jobs.memory import SpooledMemory
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import question_named
from xai_core.jobs.sandbox import SandboxState
from xai_core.jobs.sentences import plain
from xai_core.jobs.steps import TICK_SECONDS, Heartbeat
from xai_core.jobs.turns import Turns

FIRST = 0  # the job of opening or inspecting


def serve(setup: WorkerSetup, landlock: int, requests: int, results: int) -> None:
    """Import the libraries, close the rest of the sandbox, say hello, and answer until the request pipe closes."""
    worker = Worker(setup, requests, results)
    try:
        adapters = importlib.import_module(setup.adapters)
        if setup.framework != "none":
            for registering in ("xai_core.methods", "xai_core.detection.methods", "xai_core.jobs.questions"):
                importlib.import_module(registering)
            adapters.import_framework(setup.framework)
    except Exception:
        traceback.print_exc()
        return worker.fail(
            FIRST, UnsupportedModel(f"The libraries for {setup.framework} models cannot be loaded on this machine.")
        )
    filtered = sandbox.close_the_rest(setup.limits, setup.framework, setup.threads)
    worker.say({"say": "hello", "sandbox": SandboxState(landlock, filtered).to_json()})
    worker.answer(adapters)
    return None


class Worker:
    """Reads requests on a thread of its own and answers them on the main one."""

    def __init__(self, setup: WorkerSetup, requests: int, results: int) -> None:
        self._setup, self._requests, self._results = setup, requests, results
        self._arrived: queue.SimpleQueue[tuple[Header, Arrays]] = queue.SimpleQueue()
        self._turns = Turns(self.say, self.fail)
        self._opened: Opened | None = None
        self._said = 0.0
        self._saying = threading.Lock()

    def say(self, header: Header, arrays: Arrays | None = None) -> None:
        """Send a frame to the app, from any thread."""
        with self._saying:
            frames.send(self._results, header, arrays or [])
            self._said = time.monotonic()

    def fail(self, job_id: int, error: Exception) -> None:
        """Tell the app that a job failed, in a sentence; the traceback goes to the log."""
        traceback.print_exception(error, file=sys.stderr)
        memory_mb = self._setup.limits.memory(self._setup.framework).smaller_mb
        sentence = plain(error, "run" if self._opened else "open", memory_mb)
        self.say({"say": "failed", "job": job_id, "error": type(sentence).__name__, "message": str(sentence)})

    def tick(self) -> None:
        """Tell the app that the worker is alive, unless something was sent just now."""
        if time.monotonic() - self._said >= TICK_SECONDS:
            self.say({"say": "tick"})

    def answer(self, adapters: ModuleType) -> None:
        """Answer requests; explanations take a step whenever no request waits."""
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            while not self._turns or not self._arrived.empty():
                header, arrays = self._arrived.get()
                self._attempt(adapters, header, arrays)
            self._turns.take()
            self.tick()

    def _listen(self) -> None:
        try:
            while True:
                header, arrays = frames.receive(self._requests)
                if header["ask"] == "cancel":
                    self._turns.cancel(header["job"])
                else:
                    self._arrived.put((header, arrays))
        finally:  # the app is gone, even if the main thread is deep in a model
            shutil.rmtree(self._setup.scratch, ignore_errors=True)
            os._exit(0)

    def _attempt(self, adapters: ModuleType, header: Header, arrays: Arrays) -> None:
        try:
            match header["ask"]:
                case "inspect":
                    self._inspect(adapters, header)
                case "open":
                    self._open(adapters, header)
                case "parse":
                    value, answer = adapters.answer(header, arrays)
                    self.say({"say": "done", "job": header["job"], "value": value}, answer)
                case name:
                    question = question_named(name).from_frame(header, arrays)
                    self._turns.begin(header["job"], question, self._model(), header["asker"])
        except Exception as error:  # whatever a framework raises ends this job alone
            self.fail(header["job"], error)

    def _inspect(self, adapters: ModuleType, header: Header) -> None:
        kind = adapters.inspect(messages.source_from_json(header["source"]))
        self.say({"say": "done", "job": FIRST, "value": messages.kind_to_json(kind)})

    def _open(self, adapters: ModuleType, header: Header) -> None:
        kind = messages.kind_from_json(header["kind"])
        with heard_by(self._doing):
            model = adapters.load(messages.source_from_json(header["source"]), kind, self._setup.scratch)
        memory = SpooledMemory(self._setup.scratch, self._setup.limits.ledgers_mb << 20)
        self._opened = Opened(model, memory, Heartbeat(self.tick, self._setup.limits.step_seconds))
        self.say({"say": "done", "job": FIRST, "value": messages.card_to_json(model.card)})

    def _doing(self, words: str) -> None:
        """Tell the app what the worker is doing, unless something was sent just now."""
        if time.monotonic() - self._said >= TICK_SECONDS:
            self.say({"say": "doing", "job": FIRST, "words": words})

    def _model(self) -> Opened:
        if self._opened is None:
            raise RuntimeError("A question came before the model was opened.")
        return self._opened
