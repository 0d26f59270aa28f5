"""Open the weights of a detector with the code that defines its network."""

from __future__ import annotations

from dataclasses import replace

from model_adapters.pytorch.detection.open import around
from model_adapters.pytorch.own_code.opening import Undecided, build
from xai_core.detector import Detector
from xai_core.model_code import ModelCode
from xai_core.types import FileKind, ModelSource


def load(source: ModelSource, code: ModelCode, kind: FileKind, scratch: str) -> Detector | Undecided:
    """Open a detector from weights and code; what comes instead asks what to build if that is not chosen."""
    built = build(source, code, kind, scratch)
    if isinstance(built, Undecided):
        return built
    with built.code.in_sentences():
        detector = around(built.module, source, kind)
    labels = built.checkpoint.labels_for(detector.card.classes, background=True) or detector.card.labels
    notes = (*detector.card.notes, *built.notes)
    detector.card = replace(detector.card, architecture=built.call, labels=labels, notes=notes)
    return detector
