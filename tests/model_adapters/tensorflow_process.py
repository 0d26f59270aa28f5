"""Builds small Keras models and SavedModels, opens them and real ones with the adapter, and writes down what they are,
what is inside those of every run, and weights alone of keras.applications.

TensorFlow must not share a process with PyTorch, so tests start this one: `tensorflow_process.py FOLDER NAME=FILE...`,
where each FILE is a real .h5 to open beside the small models.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

from model_adapters.tensorflow.worker import set_up

set_up()

import h5py
import keras
import numpy as np
import tensorflow as tf

from model_adapters.tensorflow import open as adapter
from model_adapters.tensorflow.network import TensorFlowNetwork
from tests.model_adapters.tensorflow import applications_process, inside_process
from xai_core.errors import OutOfMemory, VitrineError
from xai_core.types import Capability, FileKind, InputSpec, ModelSource

layers = keras.layers
SIDE = 16
READINGS = {"second_head": '{"output": "colour_scores"}', "features_chosen": '{"output": "logits"}'}


def body(*last, shape=(SIDE, SIDE, 3), first=(), name=None, **settings):
    middle = [layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input(shape, **settings), *first, *middle, *last], name=name)


def nested():
    inner = body(layers.Dense(4, activation="softmax"))
    inputs = keras.Input((SIDE, SIDE, 3))
    return keras.Model(inputs, inner(layers.RandomFlip()(inputs)))


def two_inputs():
    first, second = keras.Input((SIDE, SIDE, 3)), keras.Input((5,))
    joined = layers.Concatenate()([layers.GlobalAveragePooling2D()(first), second])
    return keras.Model([first, second], layers.Dense(4)(joined))


def segmentation():
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(5, 1, activation="softmax")])


def detector():
    inputs = keras.Input((SIDE, SIDE, 3))
    grid = layers.Reshape((-1, 4))(layers.Conv2D(8, 3, strides=4)(inputs))
    return keras.Model(inputs, [grid, layers.Dense(2)(grid)])


def two_heads():
    inputs = keras.Input((SIDE, SIDE, 3))
    pooled = layers.GlobalAveragePooling2D()(inputs)
    return keras.Model(inputs, [layers.Dense(4, name="kind")(pooled), layers.Dense(2, name="colour_scores")(pooled)])


@keras.saving.register_keras_serializable("mine")
class OwnLayer(layers.Layer):
    def call(self, inputs):
        return inputs


def keras_models():
    softmax = layers.Dense(4, activation="softmax")
    return {
        "softmax": body(softmax, first=[layers.Rescaling(1 / 127.5, offset=-1)]),
        "softmax_layer": body(layers.Dense(4), layers.Softmax(), name="mobilenetv2_0.35_32"),
        "softmax_activation": body(
            layers.Dense(4),
            layers.Activation("softmax"),
            first=[layers.Normalization(mean=[0.4] * 3, variance=[0.1] * 3)],
        ),
        "softmax_nested": nested(),
        "softmax_inside": body(layers.Dense(4, activation="softmax"), layers.Dropout(0.5)),
        "sigmoid": body(layers.Dense(3, activation="sigmoid"), shape=(28, 28, 1)),
        "one_score": body(layers.Dense(1, activation="sigmoid")),
        "relu": body(
            layers.Dense(4, activation="relu", bias_initializer=keras.initializers.Constant(3)), shape=(None, None, 3)
        ),
        "one_picture": body(layers.Dense(4), shape=None, batch_shape=(1, SIDE, SIDE, 3)),
        "two_inputs": two_inputs(),
        "segmentation": segmentation(),
        "detector": detector(),
        "own_layer": body(OwnLayer(), layers.Dense(4)),
        "two_heads": two_heads(),
        "depthwise": body(layers.Dense(4), first=[layers.DepthwiseConv2D(3)]),
    }


def as_keras_2(path):
    """Add what Keras 2 wrote into the configuration of a depthwise convolution."""
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "DepthwiseConv2D":
                layer["config"]["groups"] = 1
        file.attrs["model_config"] = json.dumps(config)


def saved_model(folder, name, function, dtype=tf.float32):
    module = tf.Module()
    module.serve = tf.function(function, input_signature=[tf.TensorSpec([None, SIDE, SIDE, 3], dtype)])
    return zipped(folder, name, lambda place: tf.saved_model.save(module, place, {"serving_default": module.serve}))


def decoded(texts):
    pictures = tf.map_fn(lambda text: tf.io.decode_jpeg(text, 3), texts, fn_output_signature=tf.uint8)
    return tf.reduce_mean(tf.cast(pictures, tf.float32), [1, 2])


def encoded_pictures(folder, name, **others):
    """A SavedModel whose usual signature decodes JPEG files, with `others` beside it."""
    module = tf.Module()
    texts = tf.function(decoded, input_signature=[tf.TensorSpec([None], tf.string)])
    signatures = {"serving_default": texts}
    for other, function in others.items():
        signatures[other] = tf.function(function, input_signature=[tf.TensorSpec([None, SIDE, SIDE, 3])])
    module.serve = list(signatures.values())
    return zipped(folder, name, lambda place: tf.saved_model.save(module, place, signatures))


def features_first(pictures):
    means = tf.reduce_mean(pictures, [1, 2])
    return {"features": means, "logits": tf.concat([means, -means], 1)}


def first_version(place):
    """Write a SavedModel as TensorFlow 1 did: a graph, a session and a signature."""
    v1 = tf.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        inputs = v1.placeholder(tf.float32, [None, SIDE, SIDE, 3])
        weights = v1.get_variable("weights", initializer=tf.ones([3, 4]))
        outputs = tf.reduce_mean(inputs**2, [1, 2]) @ weights
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, place, {"picture": inputs}, {"scores": outputs})


def zipped(folder, name, write):
    place = folder / name
    write(str(place))
    return shutil.make_archive(str(place), "zip", place)


def as_on_a_mac(path):
    """Add what the Finder of macOS puts beside each file of a zip."""
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("._saved_model.pb", "variables/._variables.index"):
            archive.writestr(f"__MACOSX/{name}", b"\0\5\x16\7")
    return path


def saved_models(folder):
    export = body(layers.Dense(4, activation="softmax")).export
    return {
        "exported": as_on_a_mac(zipped(folder, "exported", lambda place: export(place, verbose=False))),
        "whole_numbers": saved_model(
            folder, "bytes", lambda x: tf.reduce_mean(tf.cast(x, tf.float32), [1, 2]), tf.uint8
        ),
        "encoded": encoded_pictures(folder, "encoded"),
        "encoded_beside": encoded_pictures(folder, "beside", pixels=lambda x: tf.reduce_mean(x, [1, 2])),
        "features_first": saved_model(folder, "features", features_first),
        "first_version": zipped(folder, "first", first_version),
        "reads_files": saved_model(folder, "reads", lambda x: x[:, 0, 0] + float_of(tf.io.read_file("/etc/hostname"))),
        "calls_python": saved_model(folder, "calls", lambda x: tf.py_function(np.mean, [x], tf.float32) + x[:, 0, 0]),
    }


def float_of(text):
    return tf.cast(tf.strings.length(text), tf.float32)


def opened(path, file_format, scratch, reading=""):
    scratch.mkdir()
    source = ModelSource(str(path), "a model", "", reading=reading)
    return adapter.load(source, FileKind(file_format, "tensorflow"), str(scratch))


def described(network):
    card = network.card
    return {
        "classes": card.classes,
        "size": [card.input.height, card.input.width],
        "channels": card.input.channels,
        "batch": card.input.batch,
        "gives": card.gives,
        "head": card.head,
        "gradient": Capability.GRADIENT in card.capabilities,
        "missing": dict(card.missing),
        "layers": [[one.name, one.height, one.width, one.channels] for one in card.layers],
        "hint": card.hint and card.hint.to_json(),
        "hint_reason": card.hint_reason,
        "notes": card.notes,
        "outputs": [[output.name, output.shape, output.classes, output.reason] for output in card.outputs],
    }


def answered(network, inputs, targets):
    arrays = {"outputs": network.forward(inputs)}
    if Capability.GRADIENT in network.card.capabilities:
        arrays |= {score: network.backward(inputs, targets, score) for score in ("probability", "logit")}
    return arrays


def without_memory():
    """Return what is said where TensorFlow finds no memory, forwards and backwards."""

    def full(*given):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    model = keras.Sequential([keras.Input((8, 8, 3)), layers.GlobalAveragePooling2D()])
    network = TensorFlowNetwork(model, InputSpec(8, 8, layout="NHWC"), "float32", model)
    network._forward = network._backward = full
    inputs = np.zeros((4, 8, 8, 3), np.float32)
    asked = (lambda: network.forward(inputs), lambda: network.gradient(inputs, np.zeros(4, np.int64)))
    return [said_of(ask) for ask in asked]


def said_of(ask):
    try:
        return str(ask())
    except OutOfMemory as error:
        return str(error)


def main(folder, real):
    keras.utils.set_random_seed(0)
    files = {}
    originals = keras_models()
    for name, model in originals.items():
        suffix = "h5" if name == "depthwise" else "keras"
        model.save(folder / f"{name}.{suffix}")
        files[name] = (folder / f"{name}.{suffix}", "keras-h5" if suffix == "h5" else "keras")
    keras.saving.get_custom_objects().clear()
    as_keras_2(files["depthwise"][0])
    files |= {name: (path, "savedmodel") for name, path in saved_models(folder).items()}
    files["second_head"], files["features_chosen"] = files["two_heads"], files["features_first"]
    files["sample"] = (folder / "sample.keras", "keras")
    files |= {name: (Path(path), "keras-h5") for name, path in real.items()}
    found, arrays = {}, {}
    for name, (path, file_format) in files.items():
        if not os.path.exists(path):
            continue
        try:
            network = opened(path, file_format, folder / f"scratch of {name}", READINGS.get(name, ""))
        except VitrineError as error:
            found[name] = {"error": type(error).__name__, "message": str(error)}
            continue
        found[name] = described(network)
        given = folder / f"{name}.npy"
        spec = network.card.input
        shape = (3, spec.height or 24, spec.width or 20, spec.channels)
        inputs = np.load(given) if given.exists() else np.random.default_rng(0).random(shape, np.float32)
        classes = np.load(folder / f"{name}.targets.npy") if given.exists() else np.arange(3) % network.card.classes
        few = slice(len(classes))
        parts = answered(network, inputs[few], classes) | {"outputs": network.forward(inputs)}
        if name in originals and spec.batch is None and not network.card.outputs:
            parts["original"] = np.asarray(originals[name](inputs, training=False))
        if name == "second_head":
            parts["original"] = np.asarray(originals["two_heads"](inputs, training=False)[1])
        arrays |= {f"{name}.{key}": value for key, value in parts.items()}
    found["without memory"] = without_memory()
    np.savez(folder / "answers.npz", **arrays)
    (folder / "answers.json").write_text(json.dumps(found))
    inside_process.main(folder, None, inside_process.EVERY_RUN)
    applications_process.main(folder, applications_process.EVERY_RUN)


if __name__ == "__main__":
    main(Path(sys.argv[1]), dict(word.split("=", 1) for word in sys.argv[2:]))
