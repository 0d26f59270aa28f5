"""Writes weights alone of networks in keras.applications, opens them, and writes down whether the answers are the same.

TensorFlow must not share a process with PyTorch, so tests start this one: `applications_process.py FOLDER NAME...`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from model_adapters.tensorflow.worker import set_up

set_up()

import h5py
import keras
import numpy as np
from keras.src.legacy.saving import legacy_h5_format

import model_adapters
from xai_core.errors import VitrineError
from xai_core.types import ModelSource

EVERY_RUN = ("MobileNet",)
SETTINGS = {"MobileNet": {"alpha": 0.25}, "MobileNetV2": {"alpha": 0.35}, "MobileNetV3Small": {"minimalistic": True}}
CLASSES = 3
BY_IMAGENET = ("EfficientNetB0",)  # scales colours otherwise for weights of ImageNet
STD = np.float32((0.229, 0.224, 0.225))


def network(name, **settings):
    keras.utils.set_random_seed(0)
    made = getattr(keras.applications, name)(weights=None, **settings, **SETTINGS.get(name, {}))
    if name in BY_IMAGENET:
        colours = next(layer for layer in made.layers if isinstance(layer, keras.layers.Normalization))
        colours.adapt_mean.assign((0.485, 0.456, 0.406))
        colours.adapt_variance.assign(STD**2)
        colours.finalize_state()
    return made


def written_as_keras_2(model, path):
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def opened(path, folder):
    scratch = folder / f"scratch of {path.name}"
    scratch.mkdir()
    source = ModelSource(str(path), path.name, "")
    return model_adapters.load(source, model_adapters.inspect(source), str(scratch))


def compared(path, model, folder, inputs):
    """Return what the card says, and by how much the probabilities or features differ from those of the model."""
    found = opened(path, folder)
    if path.stem.startswith(BY_IMAGENET):
        inputs_of_keras = 255 * (np.float32((0.485, 0.456, 0.406)) + (inputs / 255 - (0.485, 0.456, 0.406)) / STD**0.5)
    else:
        inputs_of_keras = inputs
    expected = np.asarray(model(inputs_of_keras.astype(np.float32), training=False))
    ours = found.forward(inputs)
    ours = np.asarray(keras.ops.softmax(ours)) if found.card.head_known else ours
    card = found.card
    said = {"classes": card.classes, "architecture": card.architecture, "notes": card.notes, "doubt": card.doubt}
    scale = float(np.abs(expected).max())
    return said | {
        "difference": float(np.abs(ours - expected).max()) / scale,
        "format": card.format,
        "hint": card.hint and [card.hint.scale, card.hint.mean[0]],
    }


def main(folder, names):
    said = {}
    for name in names:
        model = network(name, classes=CLASSES)
        inputs = (
            np.random.default_rng(0)
            .uniform(0, 255, (1, *(side or 224 for side in model.input_shape[1:])))
            .astype(np.float32)
        )
        written_as_keras_2(model, folder / f"{name}_weights_tf_dim_ordering_tf_kernels.h5")
        said[name] = compared(folder / f"{name}_weights_tf_dim_ordering_tf_kernels.h5", model, folder, inputs)
        model.save_weights(folder / f"{name}.weights.h5")
        said[f"{name} of Keras 3"] = compared(folder / f"{name}.weights.h5", model, folder, inputs)
        features = network(name, include_top=False, pooling="avg", input_shape=model.input_shape[1:])
        written_as_keras_2(features, folder / f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5")
        path = folder / f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
        said[f"{name} without a top"] = compared(path, features, folder, inputs)
    with h5py.File(folder / "other.h5", "w") as file:
        file["dense/kernel"] = np.zeros((3, 5))
    try:
        opened(folder / "other.h5", folder)
    except VitrineError as error:
        said["other"] = {"error": type(error).__name__, "message": str(error)}
    (folder / "applications.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
