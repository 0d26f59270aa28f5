"""PyTorch models: opening them and looking inside.

The rest of Vitrine calls these functions only. They import the framework when they need it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from xai_core.detector import Detector
from xai_core.network import Network
from xai_core.types import FileKind, InputSpec, ModelSource, Task


def check(path: str, kind: FileKind) -> None:
    """Accept every file: those that run code are refused by their format."""


def import_framework() -> None:
    """Import the framework and the modules that open a classifier."""
    import model_adapters.pytorch.open  # noqa: F401


def load(source: ModelSource, kind: FileKind, scratch: str) -> Network | Detector:
    """Open a classifier, or what labels pixels or finds boxes where `source.task` is "segment" or "detect"."""
    if source.task == "segment" and source.code is None:
        from model_adapters.pytorch.segmentation.open import load as load_segmenter

        return load_segmenter(source, kind, scratch)
    if source.task == "detect" and source.code is not None:
        from model_adapters.pytorch.detection.own_code import load as load_with_code

        return load_with_code(source, source.code, kind, scratch)
    if source.task == "detect":
        from model_adapters.pytorch.detection.open import load as load_detector

        return load_detector(source, kind, scratch)
    from model_adapters.pytorch.open import load as load_classifier

    return load_classifier(source, kind, scratch)


def open_copy(model: Any, task: Task, reading: str, expected: InputSpec | None) -> Network | Detector:
    """Open a copy of a module in memory as a classifier or a detector; UnsupportedModel where that fails."""
    from model_adapters.pytorch.in_memory import open_copy as opened

    return opened(model, task, reading, expected)


def weights_digest(model: Any) -> str:
    """Return the SHA-256 of the weights of a module in memory, in hexadecimal."""
    from model_adapters.pytorch.in_memory import weights_digest as digest

    return digest(model)


def kept_settings() -> AbstractContextManager[None]:
    """Return a context with Vitrine's values for the framework's global settings; they are restored on exit."""
    from model_adapters.pytorch.in_memory import kept_settings as kept

    return kept()
