"""Bring an object detector, choose a box that it drew, and see why."""

import streamlit as st

from ui import frame
from ui.detection_boxes import choose_boxes, scene_of
from ui.detection_panel import detector_panel
from ui.detection_question import methods_form
from ui.detection_results import box_results, what_is_missing
from ui.detection_runs import box_runs
from ui.detection_source import sample_scenes
from ui.picture_tray import one_picture

frame.within_app()
st.title("Detection")
st.caption("Bring an object detector and a picture, click a box, and see why it was drawn.")
prepared = detector_panel()
if prepared is None:
    st.stop()

controls, answer = st.columns([1, 3], gap="medium")
with controls:
    picture = one_picture(sample_scenes(prepared))
scene, numbers, runs = None, (), []
with answer, frame.errors_in_words():
    if picture is None:
        st.info("Add a picture on the left, or tick a sample.", icon=":material/image:")
    else:
        scene = scene_of(prepared, picture)
        numbers = choose_boxes(scene)
with controls:
    methods = methods_form(prepared.card, scene.photo.shape[:2]) if scene else []
    automatic = st.toggle("Run by itself", True, key="detection.automatic", persist_state="session")
    pressed = st.button("Run", type="primary", width="stretch", key="detection.run", disabled=not numbers)
with answer:
    if scene is not None:
        runs = box_runs(scene, methods, numbers, start=automatic, again=pressed)
    if runs:
        box_results(runs)
    elif scene is not None and len(scene.found):
        st.info(what_is_missing(numbers, methods), icon=":material/arrow_upward:")
