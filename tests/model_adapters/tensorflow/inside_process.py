"""Looks inside small Keras models with the adapter, and writes down what was there.

TensorFlow must not share a process with PyTorch, so tests start this one: `inside_process.py FOLDER ASSETS NAME...`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from model_adapters.tensorflow.worker import set_up

set_up()

import keras
import numpy as np
import tensorflow as tf

from model_adapters.tensorflow import open as adapter
from model_adapters.tensorflow.keras_layers import named_operations
from model_adapters.tensorflow.keras_network import KEPT
from xai_core.errors import ModelError
from xai_core.types import FileKind, ModelSource

layers = keras.layers
SIDE, CLASSES = 12, 4
EVERY_RUN = ("layers", "nested functions", "dense")
RULES = ("gradient", "deconvnet", "guided", "rescale")
CURVES = ("silu", "gelu", "leaky_relu")
LOOKED_AT = {
    "layers": ("side", "last"),
    "nested": ("inner/last",),
    "nested functions": ("inner/last",),
    "twice": ("shared", "shared:2"),
    "planes": ("grid",),
    "two at a time": ("only",),
    "cifar": ("batch_normalization_4",),
}


def conv(filters, size=3, **settings):
    return layers.Conv2D(filters, size, bias_initializer=keras.initializers.RandomNormal(stddev=0.1), **settings)


def convolutional(relu, shape=(SIDE, SIDE, 3), curve=None):
    """Two branches that are joined, a maximum, dropout and a ReLU that is cut off at 6."""
    inputs = keras.Input(shape)
    stem = relu(conv(4, padding="same", name="stem")(inputs))
    side = conv(4, padding="same", name="side", activation=curve or "relu")(stem)
    joined = layers.Concatenate(name="joined")([stem, side])
    pooled = layers.Dropout(0.5, name="dropped")(layers.MaxPooling2D(name="pooled")(joined))
    last = layers.ReLU(6.0, name="last")(conv(5, name="top")(pooled))
    return keras.Model(inputs, layers.Dense(CLASSES, name="scores")(layers.GlobalAveragePooling2D()(last)))


def nested(inner):
    inner.name = "inner"
    inputs = keras.Input((SIDE, SIDE, 3))
    return keras.Model(inputs, layers.Activation("linear")(inner(inputs)))


def dense():
    hidden = [layers.Dense(n, activation="relu", bias_initializer="random_normal") for n in (8, 6)]
    return keras.Sequential([keras.Input((2, 2, 3)), layers.Flatten(), *hidden, layers.Dense(CLASSES)])


def dead_branch():
    """A branch that comes last and is multiplied by zero."""
    inputs = keras.Input((SIDE, SIDE, 3))
    stem = conv(4, name="stem", activation="relu")(inputs)
    first = layers.GlobalAveragePooling2D()(stem)
    second = layers.GlobalAveragePooling2D()(conv(4, name="dead")(stem))
    joined = layers.Concatenate()([first, layers.Rescaling(0.0)(second)])
    return keras.Model(inputs, layers.Dense(CLASSES)(joined))


def used_twice():
    inputs, relu = keras.Input((SIDE, SIDE, 3)), layers.ReLU(name="shared")
    first = relu(conv(3, padding="same")(inputs))
    second = layers.Add(name="sum")([first, relu(conv(3, padding="same")(first))])
    return keras.Model(inputs, layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(second)))


def small(activation="relu", shape=(SIDE, SIDE, 3), **settings):
    body = [conv(4, activation=activation, **settings), layers.MaxPooling2D(name="grid", **settings)]
    pool = layers.GlobalAveragePooling2D(**settings)
    return keras.Sequential([keras.Input(shape), *body, pool, layers.Dense(CLASSES)])


def one_picture():
    body = [conv(4, activation="relu", name="only"), layers.GlobalAveragePooling2D(), layers.Dense(CLASSES)]
    return keras.Sequential([keras.Input(batch_shape=(2, SIDE, SIDE, 3)), *body])


def models():
    plain = convolutional(layers.ReLU())
    functions = convolutional(keras.ops.relu)
    functions.set_weights(plain.get_weights())
    inner = keras.models.clone_model(functions)
    inner.set_weights(plain.get_weights())
    return {
        "layers": plain,
        "functions": functions,
        "nested": nested(plain),
        "nested functions": nested(inner),
        "dense": dense(),
        "dead": dead_branch(),
        "twice": used_twice(),
        "free": small(shape=(None, None, 3)),
        "planes": small(shape=(3, SIDE, SIDE), data_format="channels_first"),
        "two at a time": one_picture(),
        "linear": small(None),
        **{name: convolutional(layers.ReLU(), curve=name) for name in CURVES},
        "only silu": small("silu"),
    }


def opened(path, file_format, scratch):
    scratch.mkdir()
    return adapter.load(ModelSource(str(path), "a model", ""), FileKind(file_format, "tensorflow"), str(scratch))


def described(network):
    card = network.card
    return {
        "layers": [[one.name, one.height, one.width, one.channels] for one in card.layers],
        "capabilities": [one.name for one in card.capabilities],
        "missing": dict(card.missing),
    }


def pictures(network, seed=0):
    spec = network.card.input
    shape = (3, spec.height or SIDE, spec.width or SIDE, spec.channels)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def ruled(network, rules):
    """Return gradients by rules, and what the scores were."""
    inputs, references, targets = pictures(network), pictures(network, 1), np.arange(3)
    found = {"inputs": inputs, "references": references}
    for name, given in (("scores", inputs), ("scores of references", references)):
        found[name] = network.forward(given)
    for rule in rules:
        further = references if rule == "rescale" else None
        found[rule] = network.backward(inputs, targets, "logit", rule, further)
    if "rescale" in rules:
        found["rescaled probability"] = network.backward(inputs, targets, "probability", "rescale", references)
    return found


def looked_at(network, names):
    """Return layers' values, the gradients there, and scores with values replaced by those of the other pictures."""
    inputs, targets, found = pictures(network), np.arange(3), {}
    for name in names:
        values = network.activations(inputs, name)
        again, gradients = network.layer_gradients(inputs, targets, "logit", name)
        found |= {f"{name} values": values, f"{name} again": again, f"{name} gradients": gradients}
        found[f"{name} resumed"] = network.resume(inputs[:1], name, values)
    return found


def by_keras(network, inputs, name):
    model = network.model
    inner = keras.Model(model.inputs, [model.get_layer(name).output, model.outputs[0]])
    with tf.GradientTape() as tape:
        values, scores = inner(inputs, training=False)
        chosen = tf.gather(scores, np.arange(3), axis=1, batch_dims=1)
    return {f"{name} values by Keras": values, f"{name} gradients by Keras": tape.gradient(chosen, values)}


def randomised(network):
    inputs, targets = pictures(network), np.arange(3)
    first, again, other = network.randomised(1), network.randomised(1), network.randomised(2)
    found = {"random": first.forward(inputs), "own": network.forward(inputs), "random again": again.forward(inputs)}
    found |= {"random other": other.forward(inputs), "random once more": first.forward(inputs)}
    found["random gradient"] = first.backward(inputs, targets, "logit", "guided")
    found["own gradient"] = network.backward(inputs, targets, "logit", "guided")
    draws = [float(np.std(network.randomised(seed)._random[1]["kernel"])) for seed in range(20)]
    own = float(np.std(network.model.get_layer("scores").kernel))
    keys = [network.key, first.key, again.key, other.key]
    return found, {"deviations": draws, "own deviation": own, "keys": keys}


def told(network):
    try:
        network.activations(pictures(network), "no such layer")
    except ModelError as error:
        return str(error)


def untouched(network, before):
    now = network.model.get_weights()
    wrapped = [name for name, one in named_operations(network.model) if "call" in vars(one)]
    return not wrapped and all(np.array_equal(a, b) for a, b in zip(before, now, strict=True))


def rules_of(name):
    known = {"free": (), "planes": (), "only silu": (), "linear": (), "two at a time": RULES[:3], "cifar": RULES[:3]}
    return known.get(name, RULES[3:] if name in CURVES else RULES)


def looked_into(name, network):
    before = network.model.get_weights()
    found = {"scores": network.forward(pictures(network))}
    found |= ruled(network, rules_of(name)) | looked_at(network, LOOKED_AT.get(name, ()))
    said = described(network)
    if name == "layers":
        found |= by_keras(network, pictures(network), "last") | by_keras(network, pictures(network), "side")
        drawn, said["random"] = randomised(network)
        found |= drawn
        said |= {"told": told(network), "kept": [len(network._kept), KEPT]}
    if name == "dense":
        found |= {f"weight {i}": w for i, w in enumerate(before)}
    return said | {"untouched": untouched(network, before)}, found


def main(folder, assets, names):
    keras.utils.set_random_seed(0)
    files = {}
    for name, model in models().items():
        if name in names:
            model.save(folder / f"{name}.keras")
            files[name] = (folder / f"{name}.keras", "keras")
    if "cifar" in names:
        files["cifar"] = (assets / "models/keras/cifar10_cnn.h5", "keras-h5")
    said, arrays = {}, {}
    for name, (path, file_format) in files.items():
        said[name], found = looked_into(name, opened(path, file_format, folder / f"scratch of {name}"))
        arrays |= {f"{name}.{key}": np.asarray(value) for key, value in found.items()}
    np.savez(folder / "inside.npz", **arrays)
    (folder / "inside.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
