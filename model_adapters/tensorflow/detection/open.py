"""TensorFlow detectors, which are not supported."""

from __future__ import annotations

from xai_core.detector import Detector
from xai_core.errors import UnsupportedModel
from xai_core.types import FileKind, ModelSource


def load(source: ModelSource, kind: FileKind, scratch: str) -> Detector:
    """Raise UnsupportedModel, which says what to do instead."""
    raise UnsupportedModel(
        "Detectors are opened from PyTorch and ONNX files; this is a TensorFlow file. Convert it to ONNX with tf2onnx."
    )
