"""MobileNetV2 as a plain Keras graph with torchvision's weights and padding, ending in a softmax.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras

layers = keras.layers
Weights = Mapping[str, np.ndarray]
# expansion, channels, repeats, stride of the first repeat
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def main(work: Path) -> None:
    """Read weights.npz and inputs.npy (N, 224, 224, 3) in a folder; write the model and its probabilities there."""
    with np.load(work / "weights.npz") as weights:
        model = build(weights)
    model.save(work / "mobilenet_v2.keras")
    np.save(work / "keras.npy", model(np.load(work / "inputs.npy"), training=False).numpy())


def build(weights: Weights) -> Any:
    """Return the model with these weights, which have torchvision's names."""
    inputs = keras.Input((224, 224, 3), name="input")
    x = _convolution(inputs, weights, "features.0.0", "features.0.1", stride=2)
    index = 1
    for _, channels, repeats, stride in STAGES:
        for repeat in range(repeats):
            x = _inverted_residual(x, weights, f"features.{index}.conv", channels, stride if repeat == 0 else 1)
            index += 1
    x = _convolution(x, weights, "features.18.0", "features.18.1")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    classifier = layers.Dense(1000, activation="softmax", name="classifier")
    outputs = classifier(x)
    classifier.set_weights([weights["classifier.1.weight"].T, weights["classifier.1.bias"]])
    return keras.Model(inputs, outputs, name="mobilenet_v2_of_torchvision")


def _inverted_residual(x: Any, weights: Weights, name: str, channels: int, stride: int) -> Any:
    y, step = x, 0
    if f"{name}.3.weight" in weights:  # every block but the first expands its input
        y, step = _convolution(y, weights, f"{name}.0.0", f"{name}.0.1"), 1
    y = _convolution(y, weights, f"{name}.{step}.0", f"{name}.{step}.1", stride)
    y = _convolution(y, weights, f"{name}.{step + 1}", f"{name}.{step + 2}", relu=False)
    return layers.Add(name=_plain(f"{name}.add"))([x, y]) if stride == 1 and x.shape[-1] == channels else y


def _convolution(x: Any, weights: Weights, name: str, norm: str, stride: int = 1, relu: bool = True) -> Any:
    """Convolve with torchvision's symmetric padding, normalise, and clip at 6 unless `relu` is False."""
    kernel = weights[f"{name}.weight"]
    side = kernel.shape[2]
    if side > 1:
        x = layers.ZeroPadding2D(side // 2, name=_plain(f"{name}.pad"))(x)
    depthwise = kernel.shape[1] == 1
    settings: dict[str, Any] = {"kernel_size": side, "strides": stride, "use_bias": False, "name": _plain(name)}
    layer = layers.DepthwiseConv2D(**settings) if depthwise else layers.Conv2D(kernel.shape[0], **settings)
    x = layer(x)
    layer.set_weights([kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))])
    normalisation = layers.BatchNormalization(epsilon=1e-5, name=_plain(norm))
    x = normalisation(x)
    parts = ("weight", "bias", "running_mean", "running_var")
    normalisation.set_weights([weights[f"{norm}.{part}"] for part in parts])
    return layers.ReLU(6.0, name=_plain(f"{name}.relu"))(x) if relu else x


def _plain(name: str) -> str:
    return name.replace(".", "_")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
