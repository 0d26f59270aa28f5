"""ONNX models: opening them, running them and looking inside.

The rest of Vitrine calls these functions only. They import the framework when they need it.
"""

from __future__ import annotations

from xai_core.detector import Detector
from xai_core.network import Network
from xai_core.types import FileKind, ModelSource


def check(path: str, kind: FileKind) -> None:
    """Accept every file: a graph runs no code."""


def import_framework() -> None:
    """Import the framework and the modules that open a classifier."""
    import model_adapters.onnx.open  # noqa: F401


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network | Detector:
    """Open a classifier, or what labels pixels or finds boxes where `source.task` is "segment" or "detect"."""
    if source.task == "segment":
        from model_adapters.onnx.segmentation import load as load_segmenter

        return load_segmenter(source, kind, scratch)
    if source.task == "detect":
        from model_adapters.onnx.detection.open import load as load_detector

        return load_detector(source, kind, scratch)
    from model_adapters.onnx.open import load as load_classifier

    return load_classifier(source, kind, scratch)
