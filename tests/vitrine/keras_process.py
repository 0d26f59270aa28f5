"""Wraps a Keras model in a process of its own, where PyTorch is not, and prints what came of it as JSON."""

from __future__ import annotations

import json
import os
import sys
import warnings

OWN_SETTINGS = {"TF_CPP_MIN_LOG_LEVEL": "2"}
os.environ |= OWN_SETTINGS
warnings.simplefilter("ignore")

import keras
import numpy as np
import tensorflow as tf

import vitrine

SIDE = 32
PIXELS = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)) / 255


def main() -> dict[str, object]:
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    level = tf.get_logger().level
    before, expected = model.get_weights(), model.predict(PIXELS[None], verbose=0)
    with vitrine.wrap(model, preprocessing="0..1", labels=list("abcd")) as wrapped:
        predictions = wrapped.predict(PIXELS)
        maps = {method: wrapped.explain(method, PIXELS, target="b").map for method in ("grad_cam", "saliency")}
        card = repr(wrapped)
    same = all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))
    return {
        "card": card,
        "difference": float(np.abs(predictions.probabilities - expected).max()),
        "has_logits": predictions.logits is not None,
        "moved": {method: float(np.ptp(values)) for method, values in maps.items()},
        "shapes": {method: list(values.shape) for method, values in maps.items()},
        "weights_stay": same,
        "settings_stay": os.environ | OWN_SETTINGS == os.environ
        and "KERAS_BACKEND" not in os.environ
        and tf.get_logger().level == level,
        "activation_stays": model.layers[-1].activation is keras.activations.softmax,
        "still_trains": bool(np.isfinite(model.train_on_batch(PIXELS[None], np.array([1])))),
        "frameworks": sorted({"torch", "tensorflow"} & set(sys.modules)),
    }


if __name__ == "__main__":
    print(json.dumps(main()))
