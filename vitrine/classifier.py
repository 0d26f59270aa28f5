"""An open classifier: its predictions, and why it made them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from vitrine.boxes import Boxes
from vitrine.catalogue import FilterLike, MethodLike, class_of, fitted_filters
from vitrine.explanation import Explanation
from vitrine.pictures import as_picture, as_pictures
from vitrine.predictions import Predictions
from vitrine.prepared import PreparedModel
from vitrine.progress import Tell, follow
from xai_core.errors import ParamError, TryAsClassifier, in_sentences
from xai_core.jobs.questions.explain import Explain
from xai_core.method import Method
from xai_core.pictures.files import Picture
from xai_core.pictures.overlays import Look
from xai_core.report import Explanation as Report
from xai_core.scores import as_score, explained, has_probabilities
from xai_core.services.asking import scores
from xai_core.services.results_cache import RememberedJob
from xai_core.types import Conditions, Floats, Precision, Task

NO_BOXES = "This model is a classifier and finds no boxes. Use predict, and explain with a target."
NO_REGION = "This model is a classifier and explains the whole picture; only segmentation networks take a region."


class Classifier(PreparedModel):
    """An open classifier."""

    task: Task = "classify"

    @in_sentences("Predicting failed")
    def predict(self, pictures: Any) -> Predictions:
        """Return the scores of all classes for one picture, a list of pictures or a batch."""
        photos = as_pictures(pictures)
        shown, logits = self._scores(photos)
        names = [picture.name for picture in photos]
        return Predictions(names, self.labels, shown, logits, self.card, self._prepared.threshold)

    def detect(self, picture: Any, threshold: float | None = None) -> Boxes:
        """Raise TryAsClassifier: a classifier finds no boxes."""
        raise TryAsClassifier(NO_BOXES)

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
        """Explain why the model gives a picture a class; see `Model.explain`."""
        if region is not None:
            raise ParamError(NO_REGION)
        if box is not None or threshold is not None or inside:
            raise ParamError(f"{NO_BOXES} It was asked about a box.")
        if not issubclass(class_of(method), Method):
            raise ParamError(f"{class_of(method).title} explains the boxes of detectors; this model is a classifier.")
        way, photo = self.preprocessing, as_picture(picture)
        chosen = self._suited(method, (way.height, way.width), parameters)
        assert isinstance(chosen, Method)
        steps = fitted_filters(filters, (way.height, way.width))
        probabilities = self._scores([photo])[0][0]
        targets = self._targets(target, explained(probabilities, self.card, self._prepared.threshold))
        runner = self._runner(cache)
        conditions = Conditions(precision, channel=None if channel is None else channel - 1)
        references = self._prepared.reference_images()
        job = runner.ask(
            self._source, Explain(way, chosen, photo.placed(way), targets, conditions, references=references)
        )
        estimate = follow(job, progress or self._tell, chosen.title)
        report = Report(
            source=self._source,
            card=self.card,
            preprocessing=way,
            labels=self.labels,
            picture=photo,
            method=chosen,
            targets=targets,
            probabilities=probabilities,
            estimate=estimate,
            seconds=job.state.seconds,
            precision=precision,
            filters=steps,
            look=look or Look(),
            threshold=self._prepared.threshold,
            references=tuple(picture.name for picture in self._prepared.references),
            channel=conditions.channel,
        )
        return Explanation(report, isinstance(job, RememberedJob))

    def _scores(self, pictures: Sequence[Picture]) -> tuple[Floats, Floats | None]:
        """Return the scores (N, K) that predictions show, and the logits if they are accessible."""
        images = (picture.placed(self.preprocessing) for picture in pictures)
        raw = scores(
            self._runner(),
            self._source,
            self.preprocessing,
            images,
            self.card.gives,
            lambda job: follow(job, self._tell),
            self._prepared.reference_images(),
        )
        if not has_probabilities(self.card):
            return as_score(raw, self.card, "logit"), None
        return as_score(raw, self.card, "probability"), raw if self.card.gives == "logit" else None
