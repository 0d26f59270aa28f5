"""TensorFlow and Keras models: opening them and looking inside.

The rest of Vitrine calls these functions only. They import the framework when they need it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from xai_core.detector import Detector
from xai_core.network import Network
from xai_core.types import FileKind, InputSpec, ModelSource, Task


def check(path: str, kind: FileKind) -> None:
    """Refuse a Keras file that runs code; a SavedModel is checked when it is opened."""
    if kind.format.startswith("keras"):
        from model_adapters.tensorflow.keras_file import check as check_keras_file

        check_keras_file(path, kind)


def import_framework(tf_keras: bool = False) -> None:
    """Set TensorFlow up for a worker; import it and the modules that open a classifier.

    tf_keras: whether Keras is tf_keras, for files that Keras 2 wrote.
    """
    from model_adapters.tensorflow.worker import set_up

    set_up(tf_keras)
    import model_adapters.tensorflow.open  # noqa: F401


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network | Detector:
    """Open a classifier, or a detector where `source.task` is "detect"."""
    if source.task == "detect":
        from model_adapters.tensorflow.detection.open import load as load_detector

        return load_detector(source, kind, scratch)
    from model_adapters.tensorflow.open import load as load_classifier

    return load_classifier(source, kind, scratch)


def open_copy(model: Any, task: Task, reading: str, expected: InputSpec | None) -> Network | Detector:
    """Open a copy of a Keras model in memory as a classifier or a detector; UnsupportedModel where that fails."""
    from model_adapters.tensorflow.in_memory import open_copy as opened

    return opened(model, task, reading, expected)


def weights_digest(model: Any) -> str:
    """Return the SHA-256 of the weights of a Keras model in memory, in hexadecimal."""
    from model_adapters.tensorflow.in_memory import weights_digest as digest

    return digest(model)


def kept_settings() -> AbstractContextManager[None]:
    """Return a context with Vitrine's values for the framework's global settings; they are restored on exit."""
    from model_adapters.tensorflow.in_memory import kept_settings as kept

    return kept()
