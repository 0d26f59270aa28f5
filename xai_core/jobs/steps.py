"""The steps of an explanation: signs of life during a long call, and smaller batches when memory runs out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from xai_core.detection.model import DetectionModel
from xai_core.errors import is_of_memory
from xai_core.method import Catalogued
from xai_core.model import Model
from xai_core.types import Estimate

TICK_SECONDS = 0.25
ENGINES_SECONDS = 60  # on a busy machine, conversion and trials of a large model
PATIENCE = 3  # times the usual silence, for a method's first step, in which a framework traces or compiles
AnyMethod = TypeVar("AnyMethod", bound=Catalogued)


class Heartbeat:
    """Tells the app during a long call that the worker is alive.

    tick: tells it once, from any thread. step_seconds: the longest silence that is usually allowed.
    """

    def __init__(self, tick: Callable[[], None], step_seconds: float) -> None:
        self.tick = tick
        self._step_seconds = step_seconds

    @contextmanager
    def beating(self, seconds: float) -> Iterator[None]:
        """Tick until the block is left, but for at most `seconds`."""
        over = threading.Event()
        thread = threading.Thread(target=self._beat, args=(over, seconds), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def patiently(self, steps: Iterator[Estimate]) -> Iterator[Estimate]:
        """Yield the steps; the first one may be silent for longer than the others."""
        with self.beating(PATIENCE * self._step_seconds):
            first = next(steps, None)
        if first is not None:
            yield first
            yield from steps

    def _beat(self, over: threading.Event, seconds: float) -> None:
        for _ in range(int(seconds / TICK_SECONDS)):
            if over.wait(TICK_SECONDS):
                break
            self.tick()


def within_memory(
    method: AnyMethod, model: Model | DetectionModel, explain: Callable[[AnyMethod], Iterator[Estimate]]
) -> Iterator[Estimate]:
    """Yield the steps of `explain(method)` with the model's notes; if memory runs out, start again with half the batch.

    A method without a batch size, or whose batch is a single picture, raises the error.
    """
    while True:
        try:
            for estimate in explain(method):
                yield replace(estimate, notes=(*model.notes, *estimate.notes))
            return
        except Exception as error:
            if not is_of_memory(error) or (smaller := method.halved()) is None:
                raise
        method = smaller  # outside the except block, which would keep the memory in use
        model.take_at_most(method.values()["batch_size"])
