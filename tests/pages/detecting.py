"""The Detection page without processes: a detector that answers at once, and what a person does there."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.detector_fakes import SpotDetector, spots
from tests.fakes_runner import done, failed
from tests.pages.conftest import InstantRunner
from vitrine.ui.slots.detector import DetectorSlot
from xai_core.detection.method import DetectionMethod
from xai_core.detector import BoxTarget, Detections, Detector
from xai_core.errors import VitrineError
from xai_core.jobs.base import Job, JobState, Status
from xai_core.jobs.question import Answer, Question
from xai_core.jobs.questions.detect import Detect
from xai_core.jobs.questions.explain_boxes import ExplainBoxes
from xai_core.network import Network
from xai_core.types import Card, Floats, ModelSource, Precision


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
    """Answers at once, for detectors too.

    detector: what is opened as a detector. opened: the sources that were opened. no_detector: the error that opening a
    detector ends with, if any. failing: the error that explanations of boxes end with, if any. cancelled: the number of
    those that were cancelled. detecting: how many seconds a detection claims to have taken.
    """

    def __init__(self) -> None:
        super().__init__()
        self.detector: Detector = SpotDetector()
        self.opened: list[ModelSource] = []
        self.no_detector: VitrineError | None = None
        self.failing: VitrineError | None = None
        self.cancelled = 0
        self.detecting = 0.0

    def open(self, source: ModelSource) -> Job[Card]:
        self.opened.append(source)
        if source.task == "classify":
            return super().open(source)
        return failed(self.no_detector) if self.no_detector else done(self.detector.card)

    def ask(self, source: ModelSource, question: Question[Answer], asker: str = "") -> Job[Any]:
        job = super().ask(source, question)
        if isinstance(question, Detect):
            return done(job.result(), seconds=self.detecting)
        if isinstance(question, ExplainBoxes):
            job.when_ended(self._count)
            return failed(self.failing) if self.failing else job
        return job

    def model_of(self, source: ModelSource) -> Network | Detector:
        return self.detector if source.task == "detect" else self.model

    @property
    def asked(self) -> list[tuple[DetectionMethod, tuple[BoxTarget, ...]]]:
        """The methods that were asked about boxes, each with the boxes."""
        return [(question.method, tuple(question.targets)) for question in self._about_boxes()]

    @property
    def precisions(self) -> list[Precision]:
        """The precisions in which they were asked."""
        return [question.conditions.precision for question in self._about_boxes()]

    def _about_boxes(self) -> list[ExplainBoxes]:
        return [question for question in self.questions if isinstance(question, ExplainBoxes)]

    def _count(self, state: JobState[Any]) -> None:
        self.cancelled += state.status is Status.CANCELLED


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
    app.session_state["workspace"].slot(DetectorSlot).opening.wait(120)
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
