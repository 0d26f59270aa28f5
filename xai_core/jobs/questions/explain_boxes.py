"""Why did a detector draw some boxes?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Self

import numpy as np

from xai_core.detection.method import DetectionMethod, detection_method_named
from xai_core.detection.model import DetectionModel
from xai_core.detection.pictures import map_size
from xai_core.detector import BoxTarget, Detections
from xai_core.jobs.explanations import ExplanationQuestion, Shape, Steps, after_search, sound
from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import plain, question
from xai_core.jobs.questions.find_detector_engines import FindDetectorEngines
from xai_core.jobs.steps import within_memory
from xai_core.types import USUAL_CONDITIONS, Conditions, Estimate, Floats


@question("explain_boxes")
class ExplainBoxes(ExplanationQuestion):
    """Explain boxes that were found in an image (H, W, 3), float32 in [0, 1]; maps are (T, *map_size(image))."""

    method: DetectionMethod
    image: Floats
    targets: Sequence[BoxTarget]
    conditions: Conditions = USUAL_CONDITIONS

    @property
    def shape(self) -> Shape:
        return len(self.targets), *map_size(self.image)

    def to_frame(self) -> Frame:
        header = {
            "method": self.method.id,
            "params": self.method.values(),
            "conditions": asdict(self.conditions),
        }
        return header, [plain(self.image), *_targets_to_arrays(self.targets)]

    @classmethod
    def from_frame(cls, header: Header, arrays: Arrays) -> Self:
        method = detection_method_named(header["method"]).from_json(header["params"])
        image, *targets = arrays
        return cls(method, image, _targets_from_arrays(targets), Conditions(**header["conditions"]))

    def answers(self, opened: Opened) -> Steps:
        """Check that the detector suits the method, then return its steps."""
        detector, method = opened.detector, self.method
        method.check_model(detector.card)
        method.check_choices(detector.card)
        precision = method.precision_on(detector.card, self.conditions.precision)
        model = DetectionModel(detector.at(precision), opened.memory, opened.heartbeat.tick)
        steps = sound(self._steps(opened, model))
        if method.asks_for_boxes_alone():
            return after_search(opened, lambda: FindDetectorEngines(self.image).engines(opened), steps)
        return steps

    def _steps(self, opened: Opened, model: DetectionModel) -> Iterator[Estimate]:
        def explain(method: DetectionMethod) -> Iterator[Estimate]:
            return opened.heartbeat.patiently(method.explain(model, self.image, self.targets))

        return within_memory(self.method, model, explain)


def _targets_to_arrays(targets: Sequence[BoxTarget]) -> Arrays:
    return [
        np.array([target.corners for target in targets], np.float32).reshape(-1, 4),
        np.array([target.label for target in targets], np.int64),
        np.array([target.score for target in targets], np.float32),
        np.array([target.class_scores for target in targets], np.float32),
    ]


def _targets_from_arrays(arrays: Arrays) -> list[BoxTarget]:
    corners, labels, scores, class_scores = arrays
    boxes = Detections(corners, labels, scores, class_scores, np.ones(len(scores), np.float32))
    return [BoxTarget.of(boxes, number) for number in range(len(boxes))]
