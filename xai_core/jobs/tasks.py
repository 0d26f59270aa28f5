"""What a job asks of a worker, and how the answer is read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from xai_core.jobs import messages
from xai_core.jobs.base import Job, Status
from xai_core.jobs.frames import Arrays, BadFrame, Header
from xai_core.method import Method
from xai_core.preprocessing import Preprocessing
from xai_core.types import Card, Conditions, Engine, Floats, Indices, Score

Read = Callable[[Any, Arrays, Card], Any]
FINAL = ("done", "cancelled", "failed")  # the worker's last word on a job
DOING = {"engines": "trying which engine is fastest", "": ""}


@dataclass
class Task:
    """A job with its request. `largest_answer` is in bytes, for a model with so many classes."""

    job: Job[Any]
    header: Header
    arrays: Arrays
    read: Read
    largest_answer: Callable[[Card], int]
    began: float | None = None
    cancel_by: float = float("inf")

    def update(self, **changes: Any) -> None:
        """Change the job's state, and tell how long it has been running."""
        seconds = 0.0 if self.began is None else time.monotonic() - self.began
        self.job.update(seconds=seconds, **changes)

    def hear(self, header: Header, arrays: Arrays, card: Card) -> None:
        """Take in what the worker says of the job; BadFrame where that makes no sense."""
        match header.get("say"):
            case "started":
                self.began = time.monotonic()
                self.update(status=Status.RUNNING, doing="")
            case "doing":
                self.update(doing=_doing(header.get("value")))
            case "preview":
                self.update(latest=self.read(header.get("value"), arrays, card))
            case "done":
                self.update(status=Status.DONE, latest=self.read(header.get("value"), arrays, card))
            case "cancelled":
                self.update(status=Status.CANCELLED)
            case other:
                raise BadFrame(f"The worker said {other!r} of a job.")


def _doing(value: Any) -> str:
    if not isinstance(value, str) or value not in DOING:
        raise BadFrame("The worker does what is not known.")
    return DOING[value]


def predict_task(job: Job[Floats], preprocessing: Preprocessing, images: Floats, score: Score) -> Task:
    """Ask for the scores (N, K) of images (N, H, W, 3)."""
    plain = np.ascontiguousarray(images, np.float32)

    def read(value: Any, arrays: Arrays, card: Card) -> Floats:
        if len(arrays) != 1:
            raise BadFrame("Scores are one array.")
        return messages.finite(arrays[0], (len(plain), card.classes))

    header = {"ask": "predict", "preprocessing": preprocessing.to_json(), "score": score}
    return Task(job, header, [plain], read, lambda card: 4 * len(plain) * card.classes)


def pooled_task(
    job: Job[tuple[Floats, Floats]], preprocessing: Preprocessing, images: Floats, targets: Indices, layer: str
) -> Task:
    """Ask for a layer's output and its gradient, pooled, for images (N, H, W, 3) and a class each, (N,)."""
    arrays: Arrays = [np.ascontiguousarray(images, np.float32), np.ascontiguousarray(targets, np.int64)]

    def width(card: Card) -> int:
        return next((one.channels for one in card.layers if one.name == layer), 0)

    def read(value: Any, arrays: Arrays, card: Card) -> tuple[Floats, Floats]:
        if len(arrays) != 2:
            raise BadFrame("A layer's output and its gradient are two arrays.")
        values, gradients = (messages.finite(array, (len(images), width(card))) for array in arrays)
        return values, gradients

    header = {"ask": "pooled", "preprocessing": preprocessing.to_json(), "layer": layer}
    return Task(job, header, arrays, read, lambda card: 2 * 4 * len(images) * width(card))


def engines_task(job: Job[tuple[Engine, ...]], preprocessing: Preprocessing, images: Floats | None) -> Task:
    """Ask for the engines that a model may run on, compared on images (N, H, W, 3) where there are any."""
    arrays: Arrays = [] if images is None else [np.ascontiguousarray(images, np.float32)]

    def read(value: Any, arrays: Arrays, card: Card) -> tuple[Engine, ...]:
        return messages.engines_from_json(value)

    return Task(job, {"ask": "engines", "preprocessing": preprocessing.to_json()}, arrays, read, lambda card: 0)


def explain_task(
    job: Job[Any],
    preprocessing: Preprocessing,
    method: Method,
    image: Floats,
    targets: Indices,
    conditions: Conditions,
) -> Task:
    """Ask for attributions (T, H, W) of an image (H, W, 3)."""
    shape = (len(targets), preprocessing.height, preprocessing.width)
    arrays: Arrays = [np.ascontiguousarray(image, np.float32), np.ascontiguousarray(targets, np.int64)]
    header = {
        "ask": "explain",
        "preprocessing": preprocessing.to_json(),
        "method": method.id,
        "params": method.values(),
        "conditions": asdict(conditions),
    }

    def read(value: Any, arrays: Arrays, card: Card) -> Any:
        return messages.estimate_from_frame(value, arrays, shape)

    largest = 2 * 4 * int(np.prod(shape))
    return Task(job, header, arrays, read, lambda card: largest)
