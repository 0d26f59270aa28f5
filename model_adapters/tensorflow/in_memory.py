"""Open Keras models that are already in memory."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import keras
import numpy as np

from xai_core.detector import Detector
from xai_core.errors import UnsupportedModel
from xai_core.network import Network
from xai_core.types import FileKind, InputSpec, Task

BACKEND = (
    "Vitrine looks into Keras models on TensorFlow; this Keras runs on {0}. Set KERAS_BACKEND=tensorflow before keras "
    "is imported, or save the model as .keras and open the file with vitrine.load."
)
NO_COPY = (
    "This Keras model cannot be copied layer by layer ({0}), and Vitrine only works on a copy, so that yours stays as "
    "it is. Models of the functional API and keras.Sequential can be; export others: model.export(..., format='onnx')."
)
NO_DETECTOR = "A Keras detector in memory cannot be opened. Export it to ONNX and open the file with vitrine.load."


def open_copy(model: Any, task: Task, reading: str, expected: InputSpec | None) -> Network | Detector:
    """Open a copy of a Keras model; `expected` is ignored, as the model declares it. UnsupportedModel if that fails."""
    if keras.backend.backend() != "tensorflow":
        raise UnsupportedModel(BACKEND.format(keras.backend.backend()))
    if task == "detect":
        raise UnsupportedModel(NO_DETECTOR)
    from model_adapters.engines.choice import WithEngines
    from model_adapters.tensorflow.open import network_of  # imports TensorFlow, which other backends do without
    from model_adapters.tensorflow.segmentation import segmenter_of

    if task == "segment":
        return segmenter_of(_copied(model), FileKind("keras model", "tensorflow"), reading)
    network = network_of(_copied(model), FileKind("keras model", "tensorflow"), reading)
    return WithEngines(network, sum(weight.nbytes for weight in model.get_weights()))


def weights_digest(model: Any) -> str:
    """Return the SHA-256 of a model's weights in their order, in hexadecimal."""
    digest = hashlib.sha256()
    for values in model.get_weights():
        digest.update(f"{values.shape} {values.dtype}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


@contextmanager
def kept_settings() -> Iterator[None]:
    """Change nothing: no global setting affects how a Keras model computes."""
    with nullcontext():
        yield


def _copied(model: Any) -> Any:
    """Return a model with the same layers and weights; restore Python's random state, which seeds layers."""
    state = random.getstate()
    try:
        copied = keras.models.clone_model(model)
        copied.set_weights(model.get_weights())
        return copied
    except Exception as error:  # a layer's own code
        raise UnsupportedModel(NO_COPY.format(type(error).__name__)) from error
    finally:
        random.setstate(state)
