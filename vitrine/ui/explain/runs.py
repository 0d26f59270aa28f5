"""Ask a classifier about the classes of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

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
from xai_core.segmentation.drawing import outlined
from xai_core.segmentation.regions import Region
from xai_core.segmentation.report import RegionExplanation
from xai_core.services.preparation import Prepared
from xai_core.types import Conditions, Estimate, Floats, Indices


@dataclass(frozen=True, eq=False)
class ClassInquiry(Inquiry[Method]):
    """A method asked about classes of a picture. targets: (T,). probabilities: (K,) of the picture, or of a region.

    region: of a network that labels every pixel. channel: the only one that is explained, from 0; None for all.
    """

    prepared: Prepared
    targets: Indices
    probabilities: Floats
    region: Region | None = None
    channel: int | None = None
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
        region = "" if self.region is None else self.region.digest
        references = tuple(picture.digest for picture in prepared.references)
        about = self.picture.digest, self.method, targets, region, references
        return prepared.source, prepared.preprocessing, self.conditions, *about

    @property
    def conditions(self) -> Conditions:
        return replace(super().conditions, channel=self.channel)

    def question(self, method: Method, conditions: Conditions) -> Explain:
        region = None if self.region is None else self.region.mask
        image, references = self.picture.placed(self.prepared.preprocessing), self.prepared.reference_images()
        return Explain(self.prepared.preprocessing, method, image, self.targets, conditions, region, references)

    def overlay(self, position: int, heatmap: Floats, look: Look, longest: int) -> NDArray[np.uint8]:
        drawn = overlay(self.prepared.preprocessing.view(self.picture.pixels, longest), heatmap, look)
        return drawn if self.region is None else outlined(drawn, self.region.mask)

    def report(self, estimate: Estimate, seconds: float, setting: ViewerState) -> Explanation:
        prepared = self.prepared
        kind: Any = Explanation if self.region is None else partial(RegionExplanation, region=self.region)
        made: Explanation = kind(
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
            threshold=prepared.threshold,
            references=tuple(picture.name for picture in prepared.references),
            channel=self.channel,
        )
        return made


def class_inquiries(prepared: Prepared, pictures: Sequence[Picture], question: Question) -> list[ClassInquiry]:
    """Return an inquiry for each picture that the question is about."""
    return [
        ClassInquiry(
            prepared,
            picture,
            question.method,
            question.targets[picture.digest],
            question.probabilities[picture.digest],
            question.regions.get(picture.digest),
            question.channel,
        )
        for picture in pictures
        if picture.digest in question.targets
    ]
