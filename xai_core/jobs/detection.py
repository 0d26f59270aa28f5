"""Jobs of detectors on both sides of the wire: what is asked, what a worker answers, and how that is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from xai_core.detection.method import DetectionMethod, detection_method_named
from xai_core.detection.model import DetectionModel
from xai_core.detection.pictures import map_size
from xai_core.detection.shown import LEAST_SCORE
from xai_core.detector import BoxTarget, Detections, Detector
from xai_core.jobs import messages
from xai_core.jobs.base import Job
from xai_core.jobs.frames import Arrays, BadFrame, Header
from xai_core.jobs.steps import Heartbeat, within_memory
from xai_core.jobs.tasks import Task
from xai_core.model import Memory
from xai_core.types import Card, Conditions, Engine, Estimate, Floats

MOST_BOXES = 1000


def detect_task(job: Job[Detections], image: Floats, floor: float) -> Task:
    """Ask for the boxes in an image (H, W, 3) whose score is at least `floor`."""

    def read(value: Any, arrays: Arrays, card: Card) -> Detections:
        return detections_from_frame(arrays, card.classes)

    arrays: Arrays = [np.ascontiguousarray(image, np.float32)]
    largest = lambda card: MOST_BOXES * (4 * (6 + card.classes) + 8)  # noqa: E731
    return Task(job, {"ask": "detect", "floor": floor}, arrays, read, largest)


def detector_engines_task(job: Job[tuple[Engine, ...]], image: Floats) -> Task:
    """Ask for the engines that a detector may run on, for images like this one (H, W, 3)."""

    def read(value: Any, arrays: Arrays, card: Card) -> tuple[Engine, ...]:
        return messages.engines_from_json(value)

    arrays: Arrays = [np.ascontiguousarray(image, np.float32)]
    return Task(job, {"ask": "detector_engines"}, arrays, read, lambda card: 0)


def explain_boxes_task(
    job: Job[Estimate], method: DetectionMethod, image: Floats, targets: Sequence[BoxTarget], conditions: Conditions
) -> Task:
    """Ask for attributions (T, h, w) of boxes in an image (H, W, 3)."""
    shape = (len(targets), *map_size(image))
    arrays: Arrays = [np.ascontiguousarray(image, np.float32), *_targets_to_arrays(targets)]
    header = {
        "ask": "explain_boxes",
        "method": method.id,
        "params": method.values(),
        "conditions": asdict(conditions),
    }

    def read(value: Any, arrays: Arrays, card: Card) -> Estimate:
        return messages.estimate_from_frame(value, arrays, shape)

    largest = 2 * 4 * int(np.prod(shape))
    return Task(job, header, arrays, read, lambda card: largest)


def detected(detector: Detector, header: Header, arrays: Arrays, tick: Callable[[], None]) -> Arrays:
    """Answer `detect_task` in the worker."""
    (found,) = DetectionModel(detector, tick=tick).detect(arrays[0][None], header["floor"])
    few = found.chosen(np.arange(min(len(found), MOST_BOXES)))
    return [few.corners, few.labels, few.scores, few.class_scores, few.objectness]


def explained(
    detector: Detector, header: Header, arrays: Arrays, memory: Memory, heartbeat: Heartbeat
) -> Iterator[Estimate]:
    """Answer `explain_boxes_task` in the worker; the parameters are checked before the first step."""
    method = detection_method_named(header["method"]).from_json(header["params"])
    method.check_model(detector.card)
    method.check_choices(detector.card)
    wanted = messages.conditions_from_json(header["conditions"]).precision
    precision = method.precision_on(detector.card, wanted)
    model = DetectionModel(detector.at(precision), memory, heartbeat.tick)
    image, targets = arrays[0], _targets_from_arrays(arrays[1:])
    return within_memory(method, model, lambda one: heartbeat.patiently(one.explain(model, image, targets)))


def tried_on(detector: Detector, image: Floats) -> tuple[Engine, ...]:
    """Return what a detector may run on for images like this one (H, W, 3), which is among those of the trials."""
    detector.detect(image[None], LEAST_SCORE)
    return detector.engines(image.shape[0], image.shape[1])


def needs_boxes_alone(header: Header) -> bool:
    """Whether the method of an `explain_boxes_task` asks the detector for boxes only."""
    return detection_method_named(header["method"]).asks_for_boxes_alone()


def detections_from_frame(arrays: Arrays, classes: int) -> Detections:
    """Read detections as a worker sent them; BadFrame where they make no sense."""
    if len(arrays) != 5 or len(arrays[0]) > MOST_BOXES:
        raise BadFrame("Detections are five arrays of at most a thousand boxes.")
    corners, labels, scores, class_scores, objectness = arrays
    count = len(corners)
    shapes = ((count, 4), (count,), (count, classes), (count,))
    plain = [
        messages.finite(array, shape)
        for array, shape in zip((corners, scores, class_scores, objectness), shapes, strict=True)
    ]
    if labels.dtype != np.int64 or labels.shape != (count,) or ((labels < 0) | (labels >= classes)).any():
        raise BadFrame("A box has a class that the model does not have.")
    if any(((one < 0) | (one > 1)).any() for one in plain[1:]):
        raise BadFrame("A score lies outside 0 to 1.")
    return Detections(plain[0], labels, plain[1], plain[2], plain[3])


def _targets_to_arrays(targets: Sequence[BoxTarget]) -> Arrays:
    return [
        np.array([target.corners for target in targets], np.float32).reshape(-1, 4),
        np.array([target.label for target in targets], np.int64),
        np.array([target.score for target in targets], np.float32),
        np.array([target.class_scores for target in targets], np.float32),
    ]


def _targets_from_arrays(arrays: Arrays) -> list[BoxTarget]:
    found = Detections(arrays[0], arrays[1], arrays[2], arrays[3], np.ones(len(arrays[2]), np.float32))
    return [BoxTarget.of(found, number) for number in range(len(found))]
