"""The engines that run an object detector on many pictures, and how well the fast ones agree."""

from __future__ import annotations

import streamlit as st

from vitrine.ui import session
from vitrine.ui.detection.boxes import Scene
from vitrine.ui.drawing.text import percent
from vitrine.ui.slots.detector import DetectorSlot
from vitrine.ui.trust.engines import Trials, engine_list, in_words
from xai_core.jobs.questions.find_detector_engines import FindDetectorEngines
from xai_core.types import Engine

NOT_YET = "The fastest engine is determined when you first run a method that needs many detections."
SCOPE = {
    "pytorch": "The times are for the convolutions; post-processing of boxes is extra. ",
    "onnx": "",
}
SAME = "boxes found again"
ONLY = "Only methods that need nothing but boxes use it; the boxes you see, gradients and feature maps stay exact."


def detector_trials(scene: Scene) -> Trials:
    """Return the trials of a detector for pictures of this size, including the picture itself."""
    prepared = scene.prepared
    return Trials(
        slot=session.slot(DetectorSlot),
        key=(prepared.source, *scene.photo.shape[:2]),
        begin=lambda: session.ask(prepared.source, FindDetectorEngines(scene.image)),
        choice="detection.precision",
        same=SAME,
        agreement=_boxes_again,
        scope=SCOPE.get(prepared.card.framework, "") + ONLY,
    )


def detector_engine_lists() -> None:
    """List the engines of a detector, for each picture size that was tried."""
    known = session.slot(DetectorSlot).engines
    for (_, height, width), job in known.items():
        st.markdown(f"**Many pictures of {width} × {height} px** run on")
        engine_list(job, SAME)
    if not known:
        st.caption(NOT_YET)


def _boxes_again(fast: Engine) -> str:
    return (
        f"Fast ({fast.name}) finds {in_words(percent, fast.top1_agreement)} of the best boxes again, on trial "
        f"pictures that include yours; its outputs differ by at most {in_words(percent, fast.max_difference)}."
    )
