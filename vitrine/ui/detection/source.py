"""The source of a detector: an upload, a sample or torchvision's weights; and progress until it is ready."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import streamlit as st

from model_adapters.pytorch.detection import known_detectors
from vitrine import samples
from vitrine.ui import frame, session, uploads
from vitrine.ui.background import LOOK_AGAIN_SECONDS
from vitrine.ui.detection.reading import architecture_form, sealed_form, short_name
from vitrine.ui.drawing.text import literal
from vitrine.ui.model.opening import MODEL_PAGE, open_as_classifier, open_detector
from vitrine.ui.picture_tray import show_first
from vitrine.ui.slots.detector import DetectorSlot
from xai_core.errors import DataError, TryAsClassifier, VitrineError
from xai_core.jobs.base import Job, Status
from xai_core.services.detector_preparation import PreparedDetector
from xai_core.services.preparation import in_background
from xai_core.types import ModelSource

DOWNLOADING = "downloading the weights, up to 180 MB"


def detector_source() -> None:
    """Show the ways to get a detector, and start opening it."""
    upload, sample, coco = st.tabs(["Upload a detector", "Start with a sample", "COCO detectors"])
    with upload:
        _upload()
    with sample:
        for detector in samples.sample_detectors():
            _sample(detector)
    with coco:
        _coco()


def opening_progress() -> None:
    """Follow the opening of a detector, if any, until it is ready or refused."""
    opening = session.slot(DetectorSlot).opening
    if opening is not None:
        looking = not opening.state.ended
        st.fragment(_progress, run_every=LOOK_AGAIN_SECONDS if looking else None)(looking)


def sample_scenes(prepared: PreparedDetector) -> list[samples.Scene]:
    """Return the pictures that come with a sample detector; empty for any other detector."""
    digest = prepared.source.digest
    return [
        scene for sample in samples.sample_detectors() if sample.source().digest == digest for scene in sample.scenes
    ]


def _upload() -> None:
    st.caption(
        "PyTorch (state dict, safetensors or TorchScript of a torchvision detector) or ONNX (with external data: one "
        "zip). The format is detected from the content."
    )
    slot = session.slot(DetectorSlot)
    key = f"detector-file-{slot.models_uploaded}"
    file = st.file_uploader("Detector file", key=key, label_visibility="collapsed")
    if file is not None:
        slot.models_uploaded += 1
        open_detector(replace(uploads.keep(file, file.name, slot.owner), task="detect"))
        st.rerun()


def _sample(sample: samples.SampleDetector) -> None:
    words, button = st.columns([4, 1], vertical_alignment="center")
    words.markdown(f"**{literal(sample.title)}** · {literal(sample.framework)}  \n{literal(sample.note)}")
    if button.button("Use", key=f"use-detector-{sample.path.stem}", width="stretch"):
        open_detector(sample.source(), sample.labels)
        for scene in sample.scenes[:1]:
            show_first(scene.picture())
        st.rerun()


def _coco() -> None:
    slot = session.slot(DetectorSlot)
    st.caption(
        "Trained on the 80 classes of COCO, from torchvision. The server downloads them once, over the internet."
    )
    name = st.selectbox(
        "Detector", known_detectors.coco_names(), format_func=short_name, key="coco", persist_state="session"
    )
    busy = slot.downloading is not None and not slot.downloading.state.ended
    if st.button("Download this detector", disabled=busy, icon=":material/download:"):
        slot.downloading = in_background(lambda tell: _downloaded(name, tell))
        st.rerun()
    if slot.downloading is not None:
        st.fragment(_download, run_every=LOOK_AGAIN_SECONDS if busy else None)(slot.downloading, busy)


def _downloaded(name: str, tell: Callable[[str], None]) -> Path:
    """Download weights with torchvision in a separate process, because the app imports no framework."""
    tell(DOWNLOADING)
    done = subprocess.run(known_detectors.coco_fetch_command(name), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DataError((done.stderr.strip().splitlines() or ["The weights could not be downloaded."])[-1])
    return Path(done.stdout.strip().splitlines()[-1])


def _download(job: Job[Path], was_busy: bool) -> None:
    state, slot = job.state, session.slot(DetectorSlot)
    if state.error is not None:
        frame.complain(state.error)
    elif state.status is Status.DONE and slot.downloading is job and state.latest is not None:
        slot.downloading = None
        with state.latest.open("rb") as file:
            open_detector(replace(uploads.keep(file, state.latest.name, slot.owner), task="detect"))
        st.rerun()
    elif not state.ended:
        st.info(f"{state.doing[:1].upper()}{state.doing[1:]} …", icon=":material/hourglass_top:")
    if state.ended and was_busy:
        st.rerun()


def _progress(looking: bool) -> None:
    """Show the progress, or its end. looking: whether this is drawn again and again, which would wipe out answers."""
    slot = session.slot(DetectorSlot)
    assert slot.opening is not None
    state = slot.opening.state
    if slot.settle() or (looking and state.ended):
        st.rerun()
    if state.error is not None:
        frame.complain(state.error)
        _way_out(state.error, slot.refused or slot.source)
    elif not state.ended:
        st.info(f"{(state.doing or 'opening the file').capitalize()} …", icon=":material/hourglass_top:")


def _way_out(error: VitrineError, source: ModelSource | None) -> None:
    """Offer the fix for the adapter's error: the page for classifiers, or the settings."""
    if source is None:
        return
    if isinstance(error, TryAsClassifier) and st.button("Open it as a classifier", icon=":material/model_training:"):
        open_as_classifier(source)
        st.switch_page(MODEL_PAGE)
    changed = None
    with frame.errors_in_words():
        if "Choose the detector" in str(error):
            changed = architecture_form(source, source.architecture)
        if "outputs are read" in str(error):
            changed = sealed_form(source)
    if source.reading and st.button("Open it with the file's own settings", icon=":material/undo:"):
        changed = replace(source, reading="")
    if changed is not None:
        open_detector(changed)
        st.rerun()
