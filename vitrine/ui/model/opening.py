"""Opening a model in the place of the present one: a classifier, a detector, or the same file as the other."""

from __future__ import annotations

from dataclasses import replace

from vitrine import samples
from vitrine.ui import session, uploads
from xai_core.services.detector_preparation import prepare_detector_in_background
from xai_core.services.preparation import prepare_in_background
from xai_core.types import ModelSource

MODEL_PAGE, DETECTION_PAGE = "pages/model.py", "pages/detection.py"


def open_model(source: ModelSource) -> None:
    """Start opening a model in the place of the present one; pictures and settings stay."""
    space = session.workspace()
    pictures = list(space.pictures.values())
    space.make_room(source)
    space.opening = prepare_in_background(session.runner(), source, pictures, samples.sample_photos())


def open_detector(source: ModelSource, labels: tuple[str, ...] = ()) -> None:
    """Start opening a detector in the place of the present one; pictures stay. labels: names of its classes."""
    slot = session.workspace().detector
    slot.make_room(source)
    slot.opening = prepare_detector_in_background(session.runner(), source, labels)


def open_as_detector(source: ModelSource) -> None:
    """Start opening a file that was brought as a classifier as a detector."""
    space = session.workspace()
    owned = uploads.handed_over(source, space.detector.owner)
    space.opening = None
    open_detector(replace(owned, task="detect", architecture=None))


def open_as_classifier(source: ModelSource) -> None:
    """Start opening a file that was brought as a detector as a classifier."""
    space = session.workspace()
    owned = uploads.handed_over(source, space.owner)
    space.detector.opening = None
    open_model(replace(owned, task="classify", architecture=None, reading=""))
