"""Replace the current model: open a classifier, a detector, or the same file as the other kind."""

from __future__ import annotations

from dataclasses import replace

from vitrine import samples
from vitrine.ui import session, uploads
from vitrine.ui.slots.classifier import ClassifierSlot
from vitrine.ui.slots.detector import DetectorSlot
from xai_core.services.detector_preparation import prepare_detector_in_background
from xai_core.services.preparation import prepare_in_background
from xai_core.types import ModelSource

MODEL_PAGE, DETECTION_PAGE = "pages/model.py", "pages/detection.py"


def open_model(source: ModelSource) -> None:
    """Start opening a model in place of the current one; pictures and settings stay."""
    slot, pictures = session.slot(ClassifierSlot), list(session.workspace().pictures.values())
    slot.make_room(source)
    slot.opening = prepare_in_background(session.runner(), source, pictures, samples.sample_photos())


def open_detector(source: ModelSource, labels: tuple[str, ...] = ()) -> None:
    """Start opening a detector in place of the current one; pictures stay. labels: its class names."""
    slot = session.slot(DetectorSlot)
    slot.make_room(source)
    slot.opening = prepare_detector_in_background(session.runner(), source, labels)


def open_as_detector(source: ModelSource) -> None:
    """Start opening, as a detector, a file that was opened as a classifier."""
    owned = uploads.handed_over(source, session.slot(DetectorSlot).owner)
    session.slot(ClassifierSlot).opening = None
    open_detector(replace(owned, task="detect", architecture=None, reading=""))


def open_as_classifier(source: ModelSource) -> None:
    """Start opening, as a classifier, a file that was opened as a detector."""
    owned = uploads.handed_over(source, session.slot(ClassifierSlot).owner)
    session.slot(DetectorSlot).opening = None
    open_model(replace(owned, task="classify", architecture=None, reading=""))
