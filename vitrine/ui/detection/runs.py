"""Ask a detector about some of the boxes that it found in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.ui import session
from vitrine.ui.components.viewer import ViewerState
from vitrine.ui.detection.boxes import Scene
from vitrine.ui.slots.detector import DetectorSlot
from vitrine.ui.trust.inquiry import Inquiry
from xai_core.detection.method import DetectionMethod
from xai_core.detection.pictures import at_size, outlined, shrunk
from xai_core.detection.report import BoxExplanation
from xai_core.detector import BoxTarget
from xai_core.jobs.questions.explain_boxes import ExplainBoxes
from xai_core.pictures.overlays import Look, overlay
from xai_core.services.detector_preparation import PreparedDetector
from xai_core.types import Conditions, Estimate, Floats

LONG_SECONDS = 20.0  # a longer run shows its cost and waits until the user starts it
BY_ITSELF = f"A method that takes longer than about {LONG_SECONDS:.0f} s waits until you press its button."


@dataclass(frozen=True, eq=False)
class BoxInquiry(Inquiry[DetectionMethod]):
    """A method asked about some boxes. numbers: of the boxes, counted from 1."""

    prepared: PreparedDetector
    scene: Scene
    numbers: tuple[int, ...]
    side_by_side = False
    randomises = False

    @property
    def slot(self) -> DetectorSlot:
        return session.slot(DetectorSlot)

    @property
    def targets(self) -> tuple[BoxTarget, ...]:
        """The boxes that are explained."""
        return self.scene.targets(self.numbers)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(map(self.scene.name_of, self.numbers))

    @property
    def place(self) -> str:
        return f"{self.scene.place}.{self.method.id}"

    @property
    def key(self) -> session.Key:
        return self.prepared.source, self.conditions, self.picture.digest, self.method, self.targets

    @property
    def cost(self) -> str:
        return self.scene.cost_of(self.method).in_words

    @property
    def is_costly(self) -> bool:
        """Whether it waits for a button. A single detection never does: the user has already waited for one."""
        cost = self.scene.cost_of(self.method)
        return cost.detections > 1 and cost.seconds > LONG_SECONDS

    def question(self, method: DetectionMethod, conditions: Conditions) -> ExplainBoxes:
        return ExplainBoxes(method, self.scene.image, self.targets, conditions)

    def overlay(self, position: int, heatmap: Floats, look: Look, longest: int) -> NDArray[np.uint8]:
        photo = shrunk(self.scene.photo, longest)
        corners = at_size(self.targets[position].array, self.scene.photo.shape[:2], photo.shape[:2])
        return outlined(overlay(photo, heatmap, look), corners)

    def report(self, estimate: Estimate, seconds: float, setting: ViewerState) -> BoxExplanation:
        prepared = self.prepared
        return BoxExplanation(
            source=prepared.source,
            card=prepared.card,
            labels=prepared.labels,
            picture=self.picture,
            method=self.method,
            targets=self.targets,
            numbers=self.numbers,
            inside=bool(session.value_of("detection.inside")),
            estimate=estimate,
            seconds=seconds,
            precision=prepared.precision,
            filters=setting.filters,
            look=setting.look,
        )


def box_inquiries(scene: Scene, methods: Sequence[DetectionMethod], numbers: tuple[int, ...]) -> list[BoxInquiry]:
    """Return an inquiry for each method about some boxes; nothing if there are no boxes."""
    return [BoxInquiry(scene.prepared, scene.picture, method, scene, numbers) for method in methods if numbers]
