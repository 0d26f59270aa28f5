"""An open segmentation network: segment pictures, and explain the class of a region."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from vitrine.boxes import Boxes
from vitrine.catalogue import FilterLike, MethodLike, class_of, fitted_filters
from vitrine.explanation import Explanation
from vitrine.pictures import as_picture
from vitrine.predictions import Predictions
from vitrine.prepared import PreparedModel
from vitrine.progress import Tell, follow
from vitrine.segments import Segments
from xai_core.errors import ParamError, TryAsClassifier, TryAsSegmenter, in_sentences
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.predict import Predict
from xai_core.jobs.questions.segment import Segment
from xai_core.method import Method
from xai_core.pictures.overlays import Look
from xai_core.scores import as_score
from xai_core.segmentation.regions import Region
from xai_core.segmentation.report import RegionExplanation
from xai_core.services.results_cache import RememberedJob
from xai_core.types import Conditions, Floats, Precision, Task

NO_SCORES = "This model labels every pixel and has no score for the whole picture. Use segment."
NO_BOXES = "This model labels every pixel and finds no boxes. Use segment, and explain with a target and a region."


class Segmenter(PreparedModel):
    """An open segmentation network."""

    task: Task = "segment"

    def predict(self, pictures: Any) -> Predictions:
        """Raise TryAsSegmenter: a segmentation network has no score for the whole picture."""
        raise TryAsSegmenter(NO_SCORES)

    def detect(self, picture: Any, threshold: float | None = None) -> Boxes:
        """Raise TryAsClassifier: a segmentation network finds no boxes."""
        raise TryAsClassifier(NO_BOXES)

    @in_sentences("Segmenting failed")
    def segment(self, picture: Any) -> Segments:
        """Return the class of every pixel of a picture."""
        photo = as_picture(picture)
        job = self._runner().ask(self._source, Segment(self.preprocessing, photo.placed(self.preprocessing)))
        return Segments(photo, self.labels, self.preprocessing, follow(job, self._tell, photo.name))

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
        """Explain why a region has its class; see `Model.explain`. `picture` may also be what `segment` returned."""
        if box is not None or threshold is not None or inside:
            raise ParamError(f"{NO_BOXES} It was asked about a box.")
        if not issubclass(class_of(method), Method):
            raise ParamError(f"{class_of(method).title} explains the boxes of detectors; this model labels pixels.")
        way = self.preprocessing
        chosen = self._suited(method, (way.height, way.width), parameters)
        assert isinstance(chosen, Method)
        steps = fitted_filters(filters, (way.height, way.width))
        segments = picture if isinstance(picture, Segments) else self.segment(picture)
        targets = self._targets(target, [segments.main])
        place = segments.region(int(targets[0]), region)
        runner, image = self._runner(cache), segments.picture.placed(way)
        conditions = Conditions(precision, channel=None if channel is None else channel - 1)
        job = runner.ask(self._source, Explain(way, chosen, image, targets, conditions, place.mask))
        estimate = follow(job, progress or self._tell, chosen.title)
        report = RegionExplanation(
            source=self._source,
            card=self.card,
            preprocessing=way,
            labels=self.labels,
            picture=segments.picture,
            method=chosen,
            targets=targets,
            region=place,
            probabilities=self._probabilities(image, place),
            estimate=estimate,
            seconds=job.state.seconds,
            precision=precision,
            filters=steps,
            look=look or Look(),
            channel=conditions.channel,
        )
        return Explanation(report, isinstance(job, RememberedJob))

    def _probabilities(self, image: Floats, region: Region) -> Floats:
        """Return the probabilities (K,) of the mean raw outputs over a region."""
        job = self._runner().ask(self._source, Predict(self.preprocessing, image[None], self.card.gives, region.mask))
        scores: Floats = as_score(follow(job, self._tell), self.card, "probability")
        return np.asarray(scores[0], np.float32)
