"""Open models that are already in memory, through a copy, so that the caller's own is unchanged."""

from __future__ import annotations

import importlib
import sys
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, cast

from model_adapters.common.output_choice import OutputChoice
from xai_core.detector import Detector
from xai_core.errors import TryAsSegmenter, UnsupportedModel
from xai_core.network import Network
from xai_core.scores import read_as
from xai_core.segmentation.segmenter import Segmenter
from xai_core.types import InputSpec, Task

Framework = Literal["pytorch", "tensorflow"]
EXPECTED = "Expected a PyTorch nn.Module or a Keras model; got {0}. A model file is opened with vitrine.load."

KERAS_2 = (
    "This is a tf_keras model, which cannot run in one process with Keras 3. Save it with model.save('model.h5') and "
    "open the file with vitrine.load."
)


class FaceForMemory(Protocol):
    """What the face of a framework's package also offers if its models may be in memory."""

    def open_copy(self, model: Any, task: Task, reading: str, expected: InputSpec | None) -> Network | Detector:
        """Open a copy of a model as a classifier or a detector."""

    def weights_digest(self, model: Any) -> str:
        """Return the SHA-256 of a model's weights, in hexadecimal."""

    def kept_settings(self) -> AbstractContextManager[None]:
        """Return a context with Vitrine's values for the framework's global settings; they are restored on exit."""


def framework_of(model: Any) -> Framework:
    """Return the framework that a model belongs to; UnsupportedModel if it is not a known one."""
    if _is_a(model, "torch", "nn.Module"):
        return "pytorch"
    if _is_a(model, "keras", "Model"):
        return "tensorflow"
    if _is_a(model, "tf_keras", "Model"):
        raise UnsupportedModel(KERAS_2)
    raise UnsupportedModel(EXPECTED.format(type(model).__name__))


def open_copy(model: Any, task: Task, reading: str, expected: InputSpec | None) -> Network | Detector:
    """Open a copy of a model as a classifier, a segmentation network or a detector.

    What labels every pixel although a classifier was expected is opened as what it is; its card says so.
    reading: how to read a detector's outputs, or what those of a classifier mean, as JSON. expected: the input that the
    model takes, if known.
    Raises UnsupportedModel, TryAsDetector or TryAsClassifier.
    """
    face = _face(framework_of(model))
    try:
        opened = face.open_copy(model, task, reading, expected)
    except TryAsSegmenter:
        if task != "classify":
            raise
        opened = face.open_copy(model, "segment", reading, expected)
    if isinstance(opened, Detector | Segmenter):
        return opened
    return read_as(opened, OutputChoice.from_text(reading).scoring)


def weights_digest(model: Any) -> str:
    """Return the SHA-256 of a model's weights, in hexadecimal; UnsupportedModel if they cannot be read."""
    return _face(framework_of(model)).weights_digest(model)


def kept_settings(framework: Framework) -> AbstractContextManager[None]:
    """Return a context with Vitrine's values for the framework's global settings; they are restored on exit."""
    return _face(framework).kept_settings()


def _face(framework: Framework) -> FaceForMemory:
    return cast(FaceForMemory, importlib.import_module(f"model_adapters.{framework}"))


def _is_a(model: Any, module: str, path: str) -> bool:
    kind: Any = sys.modules.get(module)
    for name in path.split("."):
        kind = getattr(kind, name, None)
    return isinstance(kind, type) and isinstance(model, kind)
