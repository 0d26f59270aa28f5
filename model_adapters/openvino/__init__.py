"""TensorFlow Lite files and frozen graphs of TensorFlow 1, opened with OpenVINO's readers.

The rest of Vitrine calls these functions only. They import the framework when they need it.
"""

from __future__ import annotations

from xai_core.errors import UnsupportedModel
from xai_core.network import Network
from xai_core.types import FileKind, ModelSource

NO_DETECTOR = (
    "Vitrine cannot open a detector in this format, since the file does not say how to read its boxes. Export it to "
    "ONNX."
)
NO_SEGMENTER = (
    "This model labels every pixel (segmentation), which Vitrine cannot open in this format. Use its Keras file, or "
    "export it to ONNX."
)


def check(path: str, kind: FileKind) -> None:
    """Refuse a damaged file; a graph runs no code."""
    if kind.format == "tflite":
        from model_adapters.files.tflite import read

        read(path)


def import_framework() -> None:
    """Import the framework and the modules that open a classifier."""
    import model_adapters.openvino.open  # noqa: F401


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network:
    """Open a classifier; UnsupportedModel for a detector or a segmentation network."""
    if source.task != "classify":
        raise UnsupportedModel(NO_DETECTOR if source.task == "detect" else NO_SEGMENTER)
    from model_adapters.openvino.open import load as load_classifier

    return load_classifier(source, kind, scratch)
