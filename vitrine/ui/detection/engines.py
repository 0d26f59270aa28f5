"""What runs an object detector where many pictures are asked about, and how well its fast engines agree."""

from __future__ import annotations

import streamlit as st

from vitrine.ui import session
from vitrine.ui.detection.boxes import Scene
from vitrine.ui.slots.detector import DetectorSlot
from vitrine.ui.text import percent
from vitrine.ui.trust.engines import Trials, engine_list
from xai_core.jobs.questions.find_detector_engines import FindDetectorEngines
from xai_core.types import Engine

NOT_YET = "What runs this detector fastest is found out once a method is asked that needs many detections."
SCOPE = {
    "pytorch": "Times are of the convolutions; sorting out boxes comes on top. ",
    "onnx": "",
}
SAME = "boxes found again"
ONLY = "Only methods that ask for boxes alone are computed so; the boxes shown, gradients and feature maps stay exact."


def detector_trials(scene: Scene) -> Trials:
    """Return the trials of a detector, for pictures of the size of one, which is among those of the trials."""
    prepared = scene.prepared
    return Trials(
        slot=session.slot(DetectorSlot),
        key=(prepared.source, *scene.photo.shape[:2]),
        begin=lambda: session.runner().ask(prepared.source, FindDetectorEngines(scene.image)),
        choice="detection.precision",
        same=SAME,
        agreement=_boxes_again,
        scope=SCOPE.get(prepared.card.framework, "") + ONLY,
    )


def detector_engine_lists() -> None:
    """Show what a detector runs on, for each size of picture for which that was found out."""
    known = session.slot(DetectorSlot).engines
    for (_, height, width), job in known.items():
        st.markdown(f"**Many pictures of {width} × {height} px** run on")
        engine_list(job, SAME)
    if not known:
        st.caption(NOT_YET)


def _boxes_again(fast: Engine) -> str:
    return (
        f"Fast ({fast.name}) finds {percent(fast.top1_agreement)} of the best boxes again, in trial pictures with "
        f"yours among them; its outputs differ by at most {percent(fast.max_difference)}."
    )
