"""Opens small Keras models that label pixels by colour, and writes down what they answer: FOLDER."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

from model_adapters import inspect, load
from xai_core.errors import VitrineError
from xai_core.pictures.resampling import resized
from xai_core.types import ModelSource

SIDE = 24
AT = np.random.default_rng(0).uniform(0.2, 0.8, (1, SIDE, SIDE, 3)).astype(np.float32)
REGION = np.zeros((SIDE, SIDE), bool)
REGION[6:20, 4:15] = True


def by_colour(end=None, last=3):
    inputs = keras.Input((SIDE, SIDE, 3))
    first = keras.layers.Conv2D(3, 3, strides=2, padding="same", activation="relu", name="first")(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(last, 1, activation=end, name="maps")(first))
    rng = np.random.default_rng(1)
    kernel, bias, *last_layer = [rng.standard_normal(weights.shape) for weights in model.get_weights()]
    model.set_weights([np.abs(kernel), np.abs(bias), *last_layer])  # positive, so that no ReLU is near its kink
    return model


def labels_only():
    model = by_colour()
    return keras.Model(model.inputs, keras.ops.argmax(model.outputs[0], axis=-1))


def opened(folder, name, model):
    model.save(folder / f"{name}.keras")
    source = ModelSource(str(folder / f"{name}.keras"), name, "digest")
    return load(source, inspect(source), str(folder))


def answers(network, original):
    region, step = network.within(REGION), np.random.default_rng(2).standard_normal(AT.shape).astype(np.float32) * 1e-2
    there, back = (region.forward(AT + sign * step)[0, 0].astype(np.float64) for sign in (1, -1))
    maps = network.segment(AT)[0]
    layer = network.card.usual_layer.name
    return {
        "card": [network.card.task, network.card.classes, network.card.gives, network.card.head, network.card.labels],
        "maps": maps.tolist(),
        "original": np.asarray(original(AT))[0].tolist(),
        "scores": region.forward(AT)[0].tolist(),
        "by_hand": resized(np.moveaxis(maps, 2, 0), REGION.shape)[:, REGION].mean(axis=1).tolist(),
        "slope": [2 * float((region.backward(AT, np.array([0]), "logit") * step).sum(dtype=np.float64)), there - back],
        "layer": [list(part.shape) for part in region.layer_gradients(AT, np.array([0]), "logit", layer)],
        "resumed": region.resume(AT, layer, region.activations(AT, layer))[0].tolist(),
        "random": region.randomised(0).forward(AT)[0].tolist(),
        "missing": sorted(network.card.missing),
    }


def main(folder):
    models = {"logits": by_colour(), "softmax": by_colour("softmax"), "one_map": by_colour("sigmoid", 1)}
    said = {name: answers(opened(folder, name, model), model) for name, model in models.items()}
    try:
        opened(folder, "labels_only", labels_only())
    except VitrineError as error:
        said["labels_only"] = str(error)
    print(json.dumps(said))


main(Path(sys.argv[1]))
