"""The open detector: its source, what it is, its settings and its class names."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from vitrine.ui import frame, session
from vitrine.ui.detection.engines import detector_engine_lists
from vitrine.ui.detection.reading import raw_outputs_table, reading_form, settings_form
from vitrine.ui.detection.source import detector_source, opening_progress
from vitrine.ui.drawing.text import literal
from vitrine.ui.model.card import file_settings
from vitrine.ui.model.opening import open_detector
from vitrine.ui.slots.detector import DetectorSlot
from xai_core.services.detector_preparation import PreparedDetector
from xai_core.services.parsing.questions.read_labels import ReadLabels
from xai_core.types import Capability, ModelSource
from xai_core.wording import format_in_words

NOTHING_YET = "No detector is open. Upload one, or start with a sample."


def detector_panel() -> PreparedDetector | None:
    """Show how to open a detector, and describe the open one; return it once it can detect boxes."""
    slot = session.slot(DetectorSlot)
    able = slot.prepared is not None and Capability.DETECT in slot.prepared.card.capabilities
    named = f"Detector: {literal(slot.source.name, 60)}" if able and slot.source else "Open a detector"
    with frame.fold(named, opened=not able, icon=":material/select_all:"):
        detector_source()
        if slot.prepared is not None and able:
            _about(slot.prepared)
    opening_progress()
    if slot.prepared is None and slot.opening is None:
        st.info(NOTHING_YET, icon=":material/arrow_upward:")
    if slot.prepared is not None and not able:
        _unknown_outputs(slot.prepared)
    return slot.prepared if able else None


def _about(prepared: PreparedDetector) -> None:
    recognised, settings, labels = st.tabs(["Model details", "Settings", "Labels"])
    with recognised:
        _card(prepared)
    with settings, frame.errors_in_words():
        _reopen(settings_form(prepared.source, prepared.card), prepared.labels)
    with labels:
        _labels(prepared)


def _card(prepared: PreparedDetector) -> None:
    card = prepared.card
    width, height = card.input.width, card.input.height
    levels = ", ".join(f"{level.name} ({level.height}×{level.width})" for level in card.layers)
    facts = {
        "Framework": format_in_words(card.format),
        "Architecture": card.architecture or "not named in the file",
        "Input": f"{width} × {height} px" if width and height else "any size",
        "Classes": f"{card.classes:,}",
        "Feature pyramid": levels or "not accessible",
    }
    st.markdown("  \n".join(f"**{name}** {literal(value, 200)}" for name, value in facts.items()))
    for note in card.notes:
        st.caption(literal(note, 400))
    file_settings(card, "detector.settings")
    detector_engine_lists()


def _labels(prepared: PreparedDetector) -> None:
    space = session.workspace()
    shown = ", ".join(prepared.labels[:12])
    st.markdown(f"{len(prepared.labels):,} classes: {literal(shown, 300)}{' …' if len(prepared.labels) > 12 else ''}")
    file = st.file_uploader(
        "Labels (txt, json or csv), with or without the background",
        key=f"detector.labels.{prepared.source.digest}",
        max_upload_size=4,
    )
    if file is not None and file.file_id not in space.seen:
        with frame.errors_in_words():
            question = ReadLabels(file.getvalue(), prepared.card.classes, file.name, background=True)
            labels = session.parser().ask(question)
            space.seen.add(file.file_id)
            session.slot(DetectorSlot).prepared = replace(prepared, labels=labels)
            st.rerun()


def _unknown_outputs(prepared: PreparedDetector) -> None:
    """Ask how to read the outputs of a graph, and show what they contain."""
    reason = prepared.card.missing.get(Capability.DETECT.name or "", "Vitrine does not know how to read its outputs.")
    st.warning(literal(reason, 400), icon=":material/help:")
    raw_outputs_table(prepared.card.raw_outputs)
    with frame.errors_in_words():
        _reopen(reading_form(prepared.source, prepared.card), ())


def _reopen(changed: ModelSource | None, labels: tuple[str, ...]) -> None:
    """Reopen the detector if something was changed."""
    if changed is not None:
        open_detector(changed, labels)
        st.rerun()
