"""Choose a model, a sample or an upload, and follow it until it is ready."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from model_adapters.common.typed_labels import TypedLabels
from model_adapters.pytorch import architecture_index
from vitrine import samples
from vitrine.ui import frame, session, uploads
from vitrine.ui.background import LOOK_AGAIN_SECONDS
from vitrine.ui.drawing.text import literal
from vitrine.ui.model.code import code_upload, entry_form, with_code
from vitrine.ui.model.opening import DETECTION_PAGE, open_as_detector, open_model
from vitrine.ui.model.outputs import output_form
from vitrine.ui.model.scoring import asked_scoring
from vitrine.ui.model.typed_labels import typed_labels_form
from vitrine.ui.picture_tray import start_with_a_picture
from vitrine.ui.slots.classifier import ClassifierSlot
from xai_core.errors import ChooseArchitecture, ChooseEntry, ChooseOutput, ChooseScoring, TryAsDetector, TypeLabels
from xai_core.types import ModelSource


def model_source() -> None:
    """Show the ways to open a model, and start opening the chosen one."""
    slot = session.slot(ClassifierSlot)
    upload, sample = st.tabs(["Upload a model", "Start with a sample"])
    with upload:
        _upload(slot)
    with sample:
        _sample(slot)
    opening_progress()


def opening_progress() -> None:
    """Follow the opening of a model, if one is being opened, until it is ready or refused."""
    opening = session.slot(ClassifierSlot).opening
    if opening is not None:
        looking = not opening.state.ended
        st.fragment(_progress, run_every=LOOK_AGAIN_SECONDS if looking else None)(looking)


def _upload(slot: ClassifierSlot) -> None:
    st.caption(
        "PyTorch (checkpoint, state dict, whole module, safetensors, TorchScript), a folder of Hugging Face or timm "
        "(zip), Keras (.keras, .h5; with labels.txt: one zip), SavedModel (zip or tar), TensorFlow Lite, frozen graph "
        "(.pb) or ONNX (with external data: one zip). The format is detected from the content."
    )
    file = st.file_uploader("Model file", key=f"model-file-{slot.models_uploaded}", label_visibility="collapsed")
    if file is not None:
        source = uploads.keep(file, file.name, slot.owner)
        slot.models_uploaded += 1
        open_model(with_code(source, slot))
        st.rerun()
    code_upload(slot)


def _sample(slot: ClassifierSlot) -> None:
    for model in samples.sample_models():
        words, button = st.columns([4, 1], vertical_alignment="center")
        words.markdown(f"**{literal(model.title)}** · {literal(model.framework)}  \n{literal(model.note)}")
        if button.button("Use", key=f"use-{model.framework}", width="stretch"):
            start_with_a_picture()
            open_model(model.source())
            st.rerun()


def _progress(looking: bool) -> None:
    """Show the progress, or its end. looking: whether this is drawn again and again, which would wipe out answers."""
    slot = session.slot(ClassifierSlot)
    assert slot.opening is not None
    state = slot.opening.state
    if slot.settle() or (looking and state.ended):
        st.rerun()
    if state.error is not None:
        if not isinstance(state.error, ChooseOutput | ChooseScoring | ChooseEntry | TypeLabels):
            frame.complain(state.error)
        _way_out(slot)
    elif not state.ended:
        st.info(f"{(state.doing or 'opening the file').capitalize()} …", icon=":material/hourglass_top:")


def _way_out(slot: ClassifierSlot) -> None:
    """Offer the fix for the error: the page for detectors, labels to type, or a choice of output or architecture."""
    error, source = slot.opening and slot.opening.state.error, slot.refused or slot.source
    if source is None:
        return
    if isinstance(error, ChooseOutput):
        _outputs(source, error)
        return
    if isinstance(error, ChooseScoring):
        _scoring(source, error)
        return
    if isinstance(error, TypeLabels):
        _labels(source, error)
        return
    if source.code is not None and not isinstance(error, TryAsDetector):
        _code(slot, source)
        return
    if isinstance(error, TryAsDetector) and st.button("Open it on the Detection page", icon=":material/select_all:"):
        open_as_detector(source)
        st.switch_page(DETECTION_PAGE)
    if isinstance(error, ChooseArchitecture):
        _architecture(source)


def _architecture(source: ModelSource) -> None:
    """Ask for the network that the weights belong to; names such as vit/4_heads are typed."""
    names = architecture_index.names()
    chosen = st.selectbox(
        "Architecture",
        names,
        None,
        key="architecture",
        placeholder="Choose one, or type its name",
        accept_new_options=True,
    )
    if chosen and st.button("Open with this architecture"):
        open_model(ModelSource(source.path, source.name, source.digest, chosen, source.owner))
        st.rerun()


def _code(slot: ClassifierSlot, source: ModelSource) -> None:
    """Ask what to build from the code, again if what was built does not fit the weights."""
    error = slot.opening and slot.opening.state.error
    if isinstance(error, ChooseEntry):
        slot.entries = error
        st.info(literal(str(error)), icon=":material/code:")
    if slot.entries is not None:
        entry_form(source, slot, slot.entries)
    if st.button("Open the file without the code"):
        slot.code = None
        open_model(replace(source, code=None))
        st.rerun()


def _outputs(source: ModelSource, question: ChooseOutput) -> None:
    """Ask which output is explained, and open the model with it."""
    st.info(literal(str(question)), icon=":material/alt_route:")
    if (chosen := output_form(source, question)) is not None:
        open_model(chosen)
        st.rerun()


def _scoring(source: ModelSource, question: ChooseScoring) -> None:
    """Ask what the outputs are, and open the model with the answer."""
    st.info(literal(str(question)), icon=":material/alt_route:")
    if (chosen := asked_scoring(source)) is not None:
        open_model(chosen)
        st.rerun()


def _labels(source: ModelSource, question: TypeLabels) -> None:
    """Ask for the labels of a model that compares pictures with texts, and open it with them."""
    if TypedLabels.from_text(source.reading).names:
        frame.warn(str(question))
    else:
        st.info(literal(str(question)), icon=":material/text_fields:")
    if (typed := typed_labels_form(source, "asked")) is not None:
        open_model(typed)
        st.rerun()
