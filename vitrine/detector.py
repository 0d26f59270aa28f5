"""An open detector: the boxes it finds, and why it drew them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from model_adapters.onnx.detection.readings import Reading
from vitrine.boxes import Boxes
from vitrine.catalogue import FilterLike, MethodLike, class_of, fitted_filters
from vitrine.explanation import Explanation
from vitrine.model import Model
from vitrine.pictures import as_picture
from vitrine.predictions import Predictions
from vitrine.progress import Tell, follow
from vitrine.runner import Runners
from xai_core.detection.cost import Cost
from xai_core.detection.method import DetectionMethod
from xai_core.detection.pictures import image_of, map_size, shrunk
from xai_core.detection.report import BoxExplanation
from xai_core.detection.shown import LEAST_SCORE, Shown
from xai_core.errors import MissingCapability, ParamError, TryAsDetector, in_sentences
from xai_core.jobs.questions.detect import Detect
from xai_core.jobs.questions.explain_boxes import ExplainBoxes
from xai_core.pictures.overlays import Look
from xai_core.services.detector_preparation import PreparedDetector
from xai_core.services.results_cache import RememberedJob
from xai_core.types import Capability, Card, Conditions, Precision, RawOutput, Task

NO_SCORES = "This model is a detector and has no score for the whole picture. Use detect, and explain with a box."
FORMS = next(param.choices for param in Reading.params if param.name == "form")
HOW_TO_READ = f"Specify how to read them with a reading: JSON with a form, one of {', '.join(map(repr, FORMS))}."
DETECT_AGAIN = "Leave threshold out, or pass the picture with another threshold."
UNREAD = "It is unknown how to read the outputs of this model."
NO_REGION = "This model is a detector and explains boxes; only segmentation networks take a region. Use box."


class Detector(Model):
    """An open detector."""

    task: Task = "detect"

    def __init__(self, runners: Runners, prepared: PreparedDetector, tell: Tell, release: Callable[[], object]) -> None:
        super().__init__(runners, prepared.source, tell, release)
        self._prepared = prepared

    @property
    def card(self) -> Card:
        """What was recognised in the model."""
        return self._prepared.card

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of each class, without the background."""
        return self._prepared.labels

    def predict(self, pictures: Any) -> Predictions:
        """Raise TryAsDetector: a detector has no score for the whole picture."""
        raise TryAsDetector(NO_SCORES)

    @in_sentences("Detecting boxes failed")
    def detect(self, picture: Any, threshold: float | None = None) -> Boxes:
        """Return the boxes in a picture whose score is at least `threshold` (0.05 to 1, by default 0.5)."""
        shown = Shown() if threshold is None else Shown(threshold=threshold)
        self._check_reading()
        photo = as_picture(picture)
        job = self._runner().ask(self._source, Detect(image_of(shrunk(photo.pixels)), LEAST_SCORE))
        detections = follow(job, self._tell, photo.name)
        return Boxes(photo, self.labels, detections, shown, job.state.seconds)

    @in_sentences("Explaining failed")
    def explain(
        self,
        method: MethodLike,
        picture: Any,
        *,
        target: int | str | Iterable[int | str] | None = None,
        region: Any = None,
        box: int | Iterable[int] | None = None,
        threshold: float | None = None,
        inside: bool = False,
        filters: Iterable[FilterLike] = (),
        look: Look | None = None,
        precision: Precision = "float32",
        cache: bool = True,
        channel: int | None = None,
        progress: Tell | None = None,
        **parameters: Any,
    ) -> Explanation:
        """Explain why the model drew a box; see `Model.explain`. `picture` may also be what `detect` returned."""
        if region is not None:
            raise ParamError(NO_REGION)
        if target is not None:
            raise ParamError(f"{NO_SCORES} It was asked about the class {target!r}.")
        if channel is not None:
            raise ParamError("Only classifiers can explain a single channel; leave channel out.")
        if channel is not None:
            raise ParamError("Only classifiers can explain a single channel; leave channel out.")
        if not issubclass(class_of(method), DetectionMethod):
            raise ParamError(f"{class_of(method).title} explains the classes of classifiers; this model is a detector.")
        if isinstance(picture, Boxes) and threshold is not None:
            raise ParamError(f"These boxes were detected with the threshold {picture.threshold:g}. {DETECT_AGAIN}")
        numbers = wanted_boxes(box)
        self._check_reading()
        class_of(method).check_model(self.card)
        boxes = picture if isinstance(picture, Boxes) else self.detect(picture, threshold)
        return self._explained(method, boxes, numbers, inside, filters, look, precision, cache, progress, parameters)

    def _explained(
        self,
        method: MethodLike,
        boxes: Boxes,
        numbers: tuple[int, ...],
        inside: bool,
        filters: Iterable[FilterLike],
        look: Look | None,
        precision: Precision,
        cache: bool,
        progress: Tell | None,
        parameters: dict[str, Any],
    ) -> Explanation:
        image = boxes.image
        chosen = self._suited(method, image.shape[:2], parameters)
        assert isinstance(chosen, DetectionMethod)
        steps = fitted_filters(filters, map_size(image))
        existing = boxes.existing(numbers)
        targets = tuple(boxes.target(number) for number in existing)
        runner = self._runner(cache)
        job = runner.ask(self._source, ExplainBoxes(chosen, image, targets, Conditions(precision)))
        cost = Cost.of(chosen, image.shape[:2], boxes.seconds).in_words
        estimate = follow(job, progress or self._tell, chosen.title, cost)
        report = BoxExplanation(
            source=self._source,
            card=self.card,
            labels=self.labels,
            picture=boxes.picture,
            method=chosen,
            targets=targets,
            numbers=existing,
            estimate=estimate,
            seconds=job.state.seconds,
            precision=precision,
            filters=steps,
            look=look or Look(),
            inside=inside,
        )
        return Explanation(report, isinstance(job, RememberedJob))

    def _check_reading(self) -> None:
        if Capability.DETECT not in self.card.capabilities:
            reason = self.card.missing.get("DETECT", UNREAD)
            outputs = "; ".join(map(output_in_words, self.card.raw_outputs))
            raise MissingCapability(f"{reason} Its outputs: {outputs}. {HOW_TO_READ}")


def wanted_boxes(box: Any) -> tuple[int, ...]:
    """Return the box numbers without duplicates; ParamError for anything but a whole number from 1."""
    numbers = () if box is None else (box,) if isinstance(box, int | np.integer | str | float) else tuple(box)
    for number in numbers:
        if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < 1:
            raise ParamError(f"A box number must be a whole number from 1, as listed by detect; got {number!r}.")
    return tuple(dict.fromkeys(int(number) for number in numbers))


def output_in_words(output: RawOutput) -> str:
    """Return the name, the shape and the range of an output."""
    shape = " x ".join(map(str, output.shape))
    return f"{output.name} ({shape}) from {output.low:.4g} to {output.high:.4g}"
