"""Open weights alone as the network of keras.applications that has weights of these shapes."""

from __future__ import annotations

import os
import shutil
import warnings
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from model_adapters.tensorflow import applications
from model_adapters.tensorflow.keras_api import keras
from xai_core.errors import RefusedModel, UnsupportedModel, is_of_memory

UNKNOWN = (
    "This HDF5 file holds weights without a model, and they fit no network of keras.applications. Save the whole "
    "model: model.save(...)."
)
MISMATCH = "The weights have the shapes of {name}, but cannot be loaded into it. Save the whole model: model.save(...)."
SIZE = "The weights do not say how large their pictures are; {side} x {side} pixels are assumed, as usual for {name}."
NO_TOP = "the file has no top layer, so they are the features of {name}, averaged over the picture"


ADAPTED = "The colours are scaled as keras.applications scales them for weights of ImageNet."
STD = (0.229, 0.224, 0.225)  # of ImageNet's colours


@dataclass(frozen=True)
class Opened:
    """A network with its weights, its name, what was assumed, and why its outputs are no scores of classes, or ""."""

    model: Any
    name: str
    notes: tuple[str, ...]
    doubt: str


def load(path: str, scratch: str) -> Opened:
    """Return the network that the weights in a file fit; UnsupportedModel if there is none."""
    with h5py.File(path, "r") as file:
        found = applications.find(applications.shapes_in(file))
        written_by_keras_3 = "layer_names" not in file.attrs
    if found is None:
        raise UnsupportedModel(UNKNOWN)
    made = _built(found)
    named = os.path.join(scratch, "model.weights.h5" if written_by_keras_3 else "model.h5")
    shutil.copyfile(path, named)
    try:
        made.load_weights(named)
    except Exception as error:
        if is_of_memory(error):
            raise
        raise RefusedModel(MISMATCH.format(name=found.name)) from error
    finally:
        os.remove(named)
    notes = (ADAPTED,) if _rescaled(made) else ()
    if found.classes is None:
        return Opened(_pooled(made), found.name, notes, NO_TOP.format(name=found.name))
    side = made.inputs[0].shape[1]
    return Opened(made, found.name, (SIZE.format(side=side, name=found.name), *notes) if side else notes, "")


def _built(found: applications.Application) -> Any:
    function = getattr(keras.applications, found.function)
    with warnings.catch_warnings(action="ignore"):
        if found.classes is None:
            return function(weights=None, include_top=False, **found.settings)
        return function(weights=None, classes=found.classes, **found.settings)


def _pooled(model: Any) -> Any:
    pooled = keras.layers.GlobalAveragePooling2D()(model.outputs[0])
    return keras.Model(model.inputs, pooled, name=model.name)


def _rescaled(model: Any) -> bool:
    """Divide colours by the root of their deviation, as keras.applications does in EfficientNetB with "imagenet" only.

    A variance other than 1 says that weights of ImageNet were loaded. Dividing is the same as multiplying the variance.
    """
    layer = next((layer for layer in model.layers if isinstance(layer, keras.layers.Normalization)), None)
    if layer is None or not hasattr(layer, "adapt_variance") or np.allclose(layer.adapt_variance, 1):
        return False
    layer.adapt_variance.assign(np.asarray(layer.adapt_variance) * np.asarray(STD, np.float32))
    layer.finalize_state()
    return True
