"""Writes the CNN as cnn.keras and cnn.h5: `keras_twin.py WEIGHTS.npz`.

The twin takes values of 0 to 255 and ends in a ReLU. Its first convolution takes on the normalisation, so that nothing
in the files says how pictures are to be prepared.
TensorFlow must not share a process with PyTorch, so this is a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np

layers = keras.layers
Weights = dict[str, np.ndarray]


def twin(weights: Weights) -> keras.Model:
    """Return the twin of a CNN with these weights."""
    model = _layers()
    for name in ("stem", "middle", "top"):
        kernel, bias = weights[f"{name}.0.weight"], weights[f"{name}.0.bias"]
        if name == "stem":
            kernel, bias = _normalising(kernel, bias, weights["mean"], weights["std"])
        model.get_layer(f"{name}_convolution").set_weights([kernel.transpose(2, 3, 1, 0), bias])
        norm = [weights[f"{name}.1.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        model.get_layer(f"{name}_norm").set_weights(norm)
    head = (weights["head.weight"].T, weights["head.bias"])
    # Less their mean over the classes, the best score is above zero and others are below.
    model.get_layer("scores").set_weights([values - values.mean(-1, keepdims=True) for values in head])
    return model


def _layers(classes: int = 10) -> keras.Model:
    """Return the layers of tests.small_models.networks.Cnn."""
    inputs = x = keras.Input((32, 32, 3))
    for name, channels, padding in (("stem", 16, "valid"), ("middle", 32, "same")):
        x = layers.Conv2D(channels, 3, padding=padding, name=f"{name}_convolution")(x)
        x = layers.BatchNormalization(epsilon=1e-5, name=f"{name}_norm")(x)
        x = layers.MaxPooling2D(name=f"{name}_pool")(layers.ReLU(name=f"{name}_relu")(x))
    top = layers.Conv2D(32, 3, padding="same", name="top_convolution")(x)
    top = layers.BatchNormalization(epsilon=1e-5, name="top_norm")(top)
    top = layers.ReLU(name="top_relu")(layers.Add(name="sum")([x, top]))
    scores = layers.Dense(classes, activation="relu", name="scores")(layers.GlobalAveragePooling2D()(top))
    return keras.Model(inputs, scores)


def _normalising(
    kernel: np.ndarray, bias: np.ndarray, mean: np.ndarray, std: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a convolution's kernel (K, 3, h, w) and bias (K,) for values of 0 to 255 instead of normalised ones."""
    kernel = kernel / std[:, None, None]
    return kernel / 255, bias - (kernel * mean[:, None, None]).sum(axis=(1, 2, 3))


if __name__ == "__main__":
    file = Path(sys.argv[1])
    with np.load(file) as arrays:
        model = twin(dict(arrays))
    for name in ("cnn.keras", "cnn.h5"):
        model.save(file.with_name(name))
