"""Open an object detector, choose a box that it drew, and see why."""

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.detection.boxes import choose_boxes, scene_of
from vitrine.ui.detection.engines import detector_trials
from vitrine.ui.detection.panel import detector_panel
from vitrine.ui.detection.question import methods_form
from vitrine.ui.detection.results import box_results, offer_to_run, what_is_missing
from vitrine.ui.detection.runs import BY_ITSELF, box_inquiries
from vitrine.ui.detection.source import sample_scenes
from vitrine.ui.picture_tray import one_picture
from vitrine.ui.slots.detector import DetectorSlot
from vitrine.ui.trust.answer import is_busy
from vitrine.ui.trust.engines import find_out, precision_choice
from vitrine.ui.trust.inquiry import runs_for

frame.within_app()
st.title("Detection")
st.caption("Open an object detector and a picture, click a box, and see why it was drawn.")
prepared = detector_panel()
if prepared is None:
    st.stop()

controls, answer = st.columns([1, 3], gap="medium")
with controls:
    picture = one_picture(sample_scenes(prepared))
scene, numbers, methods, trials = None, (), [], None
with answer, frame.errors_in_words():
    if picture is None:
        st.info("Add a picture on the left, or tick a sample.", icon=":material/image:")
    else:
        scene = scene_of(prepared, picture)
        numbers = choose_boxes(scene)
with controls:
    if scene is not None:
        methods = methods_form(scene)
    if scene is not None and any(method.asks_for_boxes_alone() for method in methods):
        trials = detector_trials(scene)
        precision_choice(trials)
    automatic = st.toggle("Run automatically", True, key="detection.automatic", persist_state="session", help=BY_ITSELF)
    pressed = st.button("Run", type="primary", width="stretch", key="detection.run", disabled=not numbers)
with answer:
    if scene is not None:
        inquiries = box_inquiries(scene, methods, numbers)
        runs = runs_for(inquiries, session.slot(DetectorSlot), start=automatic, again=pressed)
        if automatic:
            offer_to_run(inquiries, runs)
        if runs:
            box_results(runs)
        elif len(scene.detections) and not (automatic and inquiries):
            st.info(what_is_missing(numbers, methods), icon=":material/arrow_upward:")
        if trials is not None and numbers and not is_busy(runs):
            find_out(trials)  # this takes seconds, so it waits for the first answer
