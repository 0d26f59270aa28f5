"""What runs an object detector where many pictures are asked about, and how well its fast engines agree."""

from __future__ import annotations

import streamlit as st

from ui import session
from ui.engines import Trials, engine_list
from ui.text import percent
from xai_core.detection.preparation import PreparedDetector
from xai_core.params import Size
from xai_core.types import Engine

NOT_YET = "What runs this detector fastest is found out once a method is asked that needs many detections."
SCOPE = {
    "pytorch": "Times are of the convolutions; sorting out boxes comes on top. ",
    "onnx": "",
}
ONLY = "Only methods that ask for boxes alone are computed so; the boxes shown, gradients and feature maps stay exact."


def detector_trials(prepared: PreparedDetector, size: Size) -> Trials:
    """Return the trials of a detector, for pictures of a height and width as it gets them."""
    return Trials(
        slot=session.workspace().detector,
        key=(prepared.source, *size),
        begin=lambda: session.runner().detector_engines(prepared.source, size),
        choice="detection.precision",
        same="boxes found again",
        agreement=_boxes_again,
        scope=SCOPE.get(prepared.card.framework, "") + ONLY,
    )


def detector_engine_lists(prepared: PreparedDetector) -> None:
    """Show what a detector runs on, for each size of picture for which that was found out."""
    sizes = [(key[1], key[2]) for key in session.workspace().detector.engines]
    for height, width in sizes:
        st.markdown(f"**Many pictures of {width} × {height} px** run on")
        engine_list(detector_trials(prepared, (height, width)))
    if not sizes:
        st.caption(NOT_YET)


def _boxes_again(fast: Engine) -> str:
    return (
        f"Fast ({fast.name}) finds {percent(fast.top1_agreement)} of the best boxes again, in your picture and a trial "
        f"picture; its outputs differ by at most {percent(fast.max_difference)}."
    )
