"""The Detection page without processes: a detector that answers at once, and what a person does there."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.detector_fakes import SpotDetector, spots
from tests.pages.conftest import InstantRunner
from xai_core.detection.method import DetectionMethod
from xai_core.detection.model import DetectionModel
from xai_core.detector import BoxTarget, Detections, Detector
from xai_core.errors import VitrineError
from xai_core.jobs.base import AS_IT_IS, Job, Status
from xai_core.types import Card, Conditions, Engine, Estimate, Floats, ModelSource, Precision


class FixedDetector(SpotDetector):
    """Finds the same boxes in every picture."""

    def __init__(self, found: Detections) -> None:
        super().__init__()
        self.found = found
        self.card = replace(self.card, classes=found.class_scores.shape[1])

    def detect(self, images: Floats, floor: float) -> list[Detections]:
        self.asked.append(len(images))
        return [self.found.chosen(self.found.scores >= floor) for _ in images]


class DetectingRunner(InstantRunner):
    """Answers in the calling thread, for detectors too.

    asked: the methods that were asked about boxes, each with the boxes. refusal: what opening a detector ends with,
    where it is set; failing: what explanations of boxes end with. cancelled: how many explanations of boxes were.
    detecting: how many seconds a detection is said to have taken. precisions: in which boxes were explained.
    """

    def __init__(self) -> None:
        super().__init__()
        self.detector: Detector = SpotDetector()
        self.asked: list[tuple[DetectionMethod, tuple[BoxTarget, ...]]] = []
        self.opened: list[ModelSource] = []
        self.refusal: VitrineError | None = None
        self.failing: VitrineError | None = None
        self.cancelled = 0
        self.detecting = 0.0
        self.precisions: list[Precision] = []

    def open(self, source: ModelSource) -> Job[Card]:
        self.opened.append(source)
        if source.task == "classify":
            return super().open(source)
        job: Job[Card] = Job(lambda: None)
        job.update(status=Status.FAILED if self.refusal else Status.DONE, error=self.refusal, latest=self.detector.card)
        return job

    def detect(self, source: ModelSource, image: Floats, floor: float) -> Job[Detections]:
        job: Job[Detections] = Job(lambda: None)
        (found,) = DetectionModel(self.detector).detect(image[None], floor)
        job.update(status=Status.DONE, latest=found, seconds=self.detecting)
        return job

    def detector_engines(self, source: ModelSource, image: Floats) -> Job[tuple[Engine, ...]]:
        job: Job[tuple[Engine, ...]] = Job(lambda: None)
        job.update(status=Status.DONE, latest=self.known_engines)
        return job

    def explain_boxes(
        self,
        source: ModelSource,
        method: DetectionMethod,
        image: Floats,
        targets: Sequence[BoxTarget],
        conditions: Conditions = AS_IT_IS,
    ) -> Job[Estimate]:
        self.asked.append((method, tuple(targets)))
        self.precisions.append(conditions.precision)
        job: Job[Estimate] = Job(lambda: self._cancel(job))
        if self.holding:
            job.update(status=Status.RUNNING)
        elif self.failing:
            job.update(status=Status.FAILED, error=self.failing)
        else:
            *_, last = method.explain(DetectionModel(self.detector), image, targets)
            job.update(status=Status.DONE, latest=last, seconds=1.0)
        return job

    def _cancel(self, job: Job[Estimate]) -> None:
        self.cancelled += 1
        job.update(status=Status.CANCELLED)


def png(image: Floats) -> bytes:
    """Return an image (H, W, 3) in [0, 1] as a file."""
    file = io.BytesIO()
    Image.fromarray(np.round(image * 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def on_detection_page(app: AppTest) -> AppTest:
    app.run()
    return app.switch_page("pages/detection.py").run()


def upload_detector(app: AppTest, before: int = 0) -> AppTest:
    """Upload a detector, where so many were uploaded before, and wait until it is ready or refused."""
    app.file_uploader(key=f"detector-file-{before}").upload(f"detector{before}.pt", b"weights %d" % before).run()
    app.session_state["workspace"].detector.opening.wait(20)
    return app.run().run()


def with_detector(app: AppTest) -> AppTest:
    """Open the Detection page and upload a detector."""
    return upload_detector(on_detection_page(app))


def with_picture(app: AppTest, image: Floats | None = None, name: str = "spots.png") -> AppTest:
    """Open the Detection page with a detector and a picture of two lit places."""
    with_detector(app)
    data = png(spots() if image is None else image)
    return app.file_uploader(key="pictures.0").upload(name, data, "image/png").run()


def choose(app: AppTest, *numbers: int) -> AppTest:
    """Choose boxes in the list, by their numbers."""
    return box_list(app).set_value(list(numbers)).run()


def box_list(app: AppTest):
    return next(one for one in app.multiselect if one.label == "Boxes to explain")
