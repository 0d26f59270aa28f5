"""The worker's side of the dialogue: hello, open, then predictions and explanations until the app is gone."""

from __future__ import annotations

import importlib
import os
import queue
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Literal

import numpy as np

from xai_core.detector import Detector
from xai_core.errors import MissingCapability, ParamError, UnsupportedModel
from xai_core.jobs import detection, frames, messages, sandbox
from xai_core.jobs.base import AS_IT_IS
from xai_core.jobs.frames import Arrays, Header
from xai_core.jobs.launch import WorkerSetup
from xai_core.jobs.memory import SpooledMemory
from xai_core.jobs.sandbox import SandboxState
from xai_core.jobs.sentences import plain
from xai_core.jobs.steps import TICK_SECONDS, Heartbeat, within_memory
from xai_core.jobs.turns import Turns
from xai_core.method import Method, check_targets, method_named
from xai_core.model import Model
from xai_core.pictures.resampling import resized
from xai_core.types import Capability, Conditions, Engine, Estimate, Floats, Indices, ModelSource, Network

PICTURES_A_PASS = 8
DETECT_SECONDS = 60  # the first pass of a large detector on a busy machine
ENGINES_SECONDS = 60  # on a busy machine, conversion and trials of a large model
PEER_SECONDS = 300  # one target by another library, whose passes are slower than ours
FIRST = 0  # the job of opening or inspecting


def serve(setup: WorkerSetup, landlock: int, requests: int, results: int) -> None:
    """Import, close the rest of the sandbox, say so, and answer until the request pipe closes."""
    worker = Worker(setup, requests, results)
    try:
        adapters = importlib.import_module(setup.adapters)
        if setup.framework != "none":
            importlib.import_module("xai_core.methods")
            importlib.import_module("xai_core.detection.methods")
            adapters.import_framework(setup.framework)
    except Exception:
        traceback.print_exc()
        return worker.fail(
            FIRST, UnsupportedModel(f"The libraries for {setup.framework} models can not be loaded here.")
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
        self._heartbeat = Heartbeat(self.tick, setup.limits.step_seconds)
        self._memory = SpooledMemory(setup.scratch, setup.limits.ledgers_mb << 20)
        self._network: Network | None = None
        self._detector: Detector | None = None
        self._doing: Literal["open", "run"] = "open"
        self._said = 0.0
        self._saying = threading.Lock()

    def say(self, header: Header, arrays: Arrays | None = None) -> None:
        """Send a frame to the app, from any thread."""
        with self._saying:
            frames.send(self._results, header, arrays or [])
            self._said = time.monotonic()

    def fail(self, id: int, error: Exception) -> None:
        """Tell the app that a job failed, in a sentence; the traceback goes to the log."""
        traceback.print_exception(error, file=sys.stderr)
        found = plain(error, self._doing, self._setup.limits.memory(self._setup.framework).smaller_mb)
        self.say({"say": "failed", "job": id, "error": type(found).__name__, "message": str(found)})

    def tick(self) -> None:
        """Show that a long job is alive."""
        if time.monotonic() - self._said >= TICK_SECONDS:
            self.say({"say": "tick"})

    def answer(self, adapters: ModuleType) -> None:
        """Answer requests; explanations advance one step whenever nothing else waits."""
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
        finally:  # the app is gone, even where the main thread is deep in a model
            shutil.rmtree(self._setup.scratch, ignore_errors=True)
            os._exit(0)

    def _attempt(self, adapters: ModuleType, header: Header, arrays: Arrays) -> None:
        asked: dict[str, Callable[[], None]] = {
            "inspect": lambda: self._inspect(adapters, header),
            "open": lambda: self._open(adapters, header),
            "engines": lambda: self._engines(header, arrays),
            "predict": lambda: self._predict(header, arrays),
            "pooled": lambda: self._pooled(header, arrays),
            "explain": lambda: self._explain(header, arrays),
            "detect": lambda: self._detect(header, arrays),
            "detector_engines": lambda: self._detector_engines(header, arrays),
            "explain_boxes": lambda: self._explain_boxes(header, arrays),
        }
        try:
            asked[header["ask"]]()
        except Exception as error:  # whatever a framework raises ends this job alone
            self.fail(header["job"], error)

    def _inspect(self, adapters: ModuleType, header: Header) -> None:
        kind = adapters.inspect(ModelSource(**header["source"]))
        self.say({"say": "done", "job": FIRST, "value": messages.kind_to_json(kind)})

    def _open(self, adapters: ModuleType, header: Header) -> None:
        kind = messages.kind_from_json(header["kind"])
        found = adapters.load(ModelSource(**header["source"]), kind, self._setup.scratch)
        if isinstance(found, Detector):
            self._detector = found
        else:
            self._network = found
        self._doing = "run"
        self.say({"say": "done", "job": FIRST, "value": messages.card_to_json(found.card)})

    def _predict(self, header: Header, arrays: Arrays) -> None:
        if self._turns.drop(header["job"]):
            return self.say({"say": "cancelled", "job": header["job"]})
        self.say({"say": "started", "job": header["job"]})
        model, images = self._model(header), arrays[0]
        starts = range(0, len(images), PICTURES_A_PASS)
        scores = [model.predict(images[i : i + PICTURES_A_PASS], header["score"]) for i in starts]
        found = np.concatenate([np.empty((0, model.card.classes), np.float32), *scores])
        return self.say({"say": "done", "job": header["job"], "value": {}}, [np.asarray(found, np.float32)])

    def _explain(self, header: Header, arrays: Arrays) -> None:
        conditions = messages.conditions_from_json(header["conditions"])
        method = method_named(header["method"]).from_json(header["params"])
        precision = method.precision_on(self._opened().card, conditions.precision)
        model = self._model(header, replace(conditions, precision=precision))
        method.check_model(model.card)
        method.check_for(model.input_size)
        method.check_choices(model.card)
        image, targets = arrays
        check_targets(targets, model.card)
        self.say({"say": "started", "job": header["job"]})
        if conditions.peer:
            steps = self._by_peer(conditions, method, model, image, targets)
        else:
            steps = self._by_us(method, model, image, targets)
            if Capability.PREDICT in method.needs:
                steps = self._after_search(header["job"], partial(self._tried, model, image[None]), steps)
        self._turns.add(header["job"], steps)

    def _pooled(self, header: Header, arrays: Arrays) -> None:
        if self._turns.drop(header["job"]):
            return self.say({"say": "cancelled", "job": header["job"]})
        self.say({"say": "started", "job": header["job"]})
        model, (images, targets) = self._model(header), arrays
        self._check_layer(model, header["layer"])
        found = [
            model.pooled(images[at], targets[at], model.card.gives, header["layer"])
            for at in (slice(start, start + PICTURES_A_PASS) for start in range(0, len(images), PICTURES_A_PASS))
        ]
        pair = [np.concatenate(parts) for parts in zip(*found, strict=True)]
        return self.say({"say": "done", "job": header["job"], "value": {}}, pair)

    def _check_layer(self, model: Model, layer: str) -> None:
        if Capability.ACTIVATIONS not in model.card.capabilities:
            reason = model.card.missing.get("ACTIVATIONS", "this model does not offer it.")
            raise MissingCapability(f"A look at a layer needs the values inside the network; {reason}")
        if layer not in [one.name for one in model.card.layers]:
            raise ParamError(f"This model has no layer called {layer[:80]!r}; choose one of its list.")

    def _detect(self, header: Header, arrays: Arrays) -> None:
        if self._turns.drop(header["job"]):
            return self.say({"say": "cancelled", "job": header["job"]})
        self.say({"say": "started", "job": header["job"]})
        with self._heartbeat.beating(DETECT_SECONDS):
            found = detection.detected(self._opened_detector(), header, arrays, self.tick)
        return self.say({"say": "done", "job": header["job"], "value": {}}, found)

    def _detector_engines(self, header: Header, arrays: Arrays) -> None:
        if self._turns.drop(header["job"]):
            return self.say({"say": "cancelled", "job": header["job"]})
        self.say({"say": "started", "job": header["job"]})
        with self._heartbeat.beating(ENGINES_SECONDS):
            found = detection.tried_on(self._opened_detector(), arrays[0])
        return self.say({"say": "done", "job": header["job"], "value": messages.engines_to_json(found)})

    def _explain_boxes(self, header: Header, arrays: Arrays) -> None:
        detector = self._opened_detector()
        steps = detection.explained(detector, header, arrays, self._memory, self._heartbeat)
        self.say({"say": "started", "job": header["job"]})
        if detection.needs_boxes_alone(header):  # many passes, so the search for the fastest engine is worth it
            search = partial(detection.tried_on, detector, arrays[0])
            steps = self._after_search(header["job"], search, steps)
        self._turns.add(header["job"], steps)

    def _after_search(self, job: int, search: Callable[[], object], steps: Iterator[Estimate]) -> Iterator[Estimate]:
        """Look for the fastest engine before the first step; no step is taken of a job that is cancelled meanwhile."""
        self.say({"say": "doing", "job": job, "value": "engines"})
        with self._heartbeat.beating(ENGINES_SECONDS):
            search()
        self.say({"say": "doing", "job": job, "value": ""})
        if not self._turns.is_cancelled(job):
            yield from steps

    def _by_us(self, method: Method, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        return within_memory(method, model, lambda one: self._heartbeat.patiently(one.explain(model, image, targets)))

    def _by_peer(
        self, conditions: Conditions, method: Method, model: Model, image: Floats, targets: Indices
    ) -> Iterator[Estimate]:
        """Have another library compute, one target a step, so that a cancel is heard in between."""
        network, shown = self._variant(conditions), np.zeros((len(targets), *model.input_size), np.float32)
        for done, target in enumerate(targets[:, None], start=1):
            with self._heartbeat.beating(PEER_SECONDS):  # it says nothing until it is done; its import takes seconds
                way = model.preprocessing
                found = network.by_peer(conditions.peer, method.id, method.values(), way, image, target)
            shown[done - 1] = resized(found, model.input_size)[0]
            yield Estimate(done / len(targets), shown.copy())

    def _engines(self, header: Header, arrays: Arrays) -> None:
        if self._turns.drop(header["job"]):
            return self.say({"say": "cancelled", "job": header["job"]})
        self.say({"say": "started", "job": header["job"]})
        with self._heartbeat.beating(ENGINES_SECONDS):
            found = self._tried(self._model(header), *arrays)
        return self.say({"say": "done", "job": header["job"], "value": messages.engines_to_json(found)})

    def _tried(self, model: Model, images: Floats | None = None) -> tuple[Engine, ...]:
        own = None if images is None else model.preprocessing.normalise(images)
        return self._opened().engines(*model.input_size, own)

    def _opened(self) -> Network:
        if self._network is None:
            raise RuntimeError("Something was asked of a model before it was opened.")
        return self._network

    def _opened_detector(self) -> Detector:
        if self._detector is None:
            raise RuntimeError("Boxes were asked of a model that is no detector.")
        return self._detector

    def _variant(self, conditions: Conditions) -> Network:
        network = self._opened()
        return network if conditions.random_last_layer is None else network.randomised(conditions.random_last_layer)

    def _model(self, header: Header, conditions: Conditions = AS_IT_IS) -> Model:
        preprocessing = messages.preprocessing_from_json(header["preprocessing"])
        return Model(self._variant(conditions).at(conditions.precision), preprocessing, self._memory, self.tick)
