"""The preprocessing of VGG and ResNet in keras.applications as a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_adapters.tensorflow.keras_api import keras

MEAN = np.array((103.939, 116.779, 123.68), np.float32)  # of blue, green and red over ImageNet


class CaffePixels(keras.layers.Layer):  # type: ignore[misc]
    """Takes RGB pixels of 0 to 255; gives BGR with the mean of ImageNet subtracted."""

    def call(self, inputs: Any) -> Any:
        return inputs[..., ::-1] - MEAN
