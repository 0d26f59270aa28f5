"""Ask a classifier about the classes of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.ui import session
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.explain.question import Question
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.trust.inquiry import Inquiry
from xai_core.jobs.questions.explain import Explain
from xai_core.method import Method
from xai_core.pictures.files import Picture
from xai_core.pictures.overlays import Look, overlay
from xai_core.report import Explanation
from xai_core.services.preparation import Prepared
from xai_core.types import Conditions, Estimate, Floats, Indices


@dataclass(frozen=True, eq=False)
class ClassInquiry(Inquiry[Method]):
    """A method asked about classes of a picture. targets: (T,). probabilities: (K,) of the picture."""

    prepared: Prepared
    targets: Indices
    probabilities: Floats
    side_by_side = True
    randomises = True

    @property
    def slot(self) -> ClassifierSlot:
        return session.slot(ClassifierSlot)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.prepared.labels[int(target)] for target in self.targets)

    @property
    def place(self) -> str:
        return f"{self.prepared.source.digest[:12]}.{self.picture.digest[:12]}"

    @property
    def key(self) -> session.Key:
        prepared, targets = self.prepared, tuple(self.targets.tolist())
        return prepared.source, prepared.preprocessing, self.conditions, self.picture.digest, self.method, targets

    def question(self, method: Method, conditions: Conditions) -> Explain:
        image = self.prepared.preprocessing.place(self.picture.pixels)
        return Explain(self.prepared.preprocessing, method, image, self.targets, conditions)

    def overlay(self, position: int, heatmap: Floats, look: Look, longest: int) -> NDArray[np.uint8]:
        return overlay(self.prepared.preprocessing.view(self.picture.pixels, longest), heatmap, look)

    def report(self, estimate: Estimate, seconds: float, setting: ViewerState) -> Explanation:
        prepared = self.prepared
        return Explanation(
            source=prepared.source,
            card=prepared.card,
            preprocessing=prepared.preprocessing,
            labels=prepared.labels,
            picture=self.picture,
            method=self.method,
            targets=self.targets,
            probabilities=self.probabilities,
            estimate=estimate,
            seconds=seconds,
            precision=prepared.precision,
            filters=setting.filters,
            look=setting.look,
        )


def class_inquiries(prepared: Prepared, pictures: Sequence[Picture], question: Question) -> list[ClassInquiry]:
    """Return an inquiry for each picture."""
    return [
        ClassInquiry(
            prepared,
            picture,
            question.method,
            question.targets[picture.digest],
            question.probabilities[picture.digest],
        )
        for picture in pictures
    ]
