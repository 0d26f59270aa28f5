"""Writes files as Keras 2 and TensorFlow 1 and 2 left them, opens them, and writes down what the adapter answers.

tf_keras must share a process neither with Keras 3 nor with PyTorch, so tests start this one:
`tf_keras_process.py FOLDER`, or for what only the long run looks at, `tf_keras_process.py FOLDER more`.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

from model_adapters.tensorflow.worker import set_up

set_up(tf_keras=True)

import h5py
import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import model_adapters
from model_adapters.files.keras_files import hdf5_kind
from xai_core.errors import VitrineError
from xai_core.preprocessing import Preprocessing
from xai_core.types import ModelSource

layers = tf_keras.layers
SIDE, CLASSES = 16, 3
PICTURES = np.random.default_rng(1).uniform(-1, 1, (20, SIDE, SIDE, 3)).astype(np.float32)
VERSIONS = ("2.4.0", "2.15.0")
PLAIN = Preprocessing(SIDE, SIDE)


def base():
    inputs = layers.Input((SIDE, SIDE, 3))
    first = layers.Conv2D(4, 3, activation="relu", name="first")(inputs)
    second = layers.Conv2D(4, 3, padding="same", name="second")(first)
    return tf_keras.Model(inputs, layers.ReLU(6.0, name="last")(layers.Add()([first, second])))


def functional():
    inputs = layers.Input((SIDE, SIDE, 3))
    pooled = layers.GlobalAveragePooling2D()(base()(inputs))
    return tf_keras.Model(inputs, layers.Dense(CLASSES, activation="softmax", bias_initializer="normal")(pooled))


def teachable():
    trunk = tf_keras.Sequential([base(), layers.GlobalAveragePooling2D()])
    head = [layers.Dense(5, activation="relu", input_shape=(4,)), layers.Dense(CLASSES, "softmax", use_bias=False)]
    return tf_keras.Sequential([trunk, tf_keras.Sequential(head)])


def functions():
    """A preprocessing of keras.applications as TensorFlow functions in the graph."""
    inputs = layers.Input((SIDE, SIDE, 3))
    scaled = tf_keras.applications.mobilenet_v2.preprocess_input(inputs)
    pooled = layers.GlobalAveragePooling2D()(base()(scaled))
    return tf_keras.Model(inputs, layers.Dense(CLASSES)(pooled))


def scaling_lambda():
    inputs = layers.Input((SIDE, SIDE, 3))
    scaled = layers.Lambda(lambda t: t / 127.5 - 1)(inputs)
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(scaled))
    return tf_keras.Model(inputs, layers.Dense(CLASSES)(pooled))


def two_heads():
    inputs = layers.Input((SIDE, SIDE, 3))
    pooled = layers.GlobalAveragePooling2D()(base()(inputs))
    heads = [layers.Dense(4, name="kind")(pooled), layers.Dense(2, activation="softmax", name="colour")(pooled)]
    return tf_keras.Model(inputs, heads)


def own_layer():
    class Cbam(layers.Layer):
        def call(self, inputs):
            return inputs

    return tf_keras.Sequential([layers.Input((SIDE, SIDE, 3)), Cbam(), layers.Flatten(), layers.Dense(2)])


MODELS = {make.__name__: make for make in (functional, teachable, functions, scaling_lambda, two_heads, own_layer)}


def respelled(path, version):
    """Write the configuration of a file as TensorFlow 2.13 to 2.15 did, or as earlier versions did."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        if version == "2.4.0":
            strip(config)
        file.attrs["model_config"] = json.dumps(config).replace("tf_keras.src", "keras.src")
        file.attrs["keras_version"] = version


def strip(config):
    """Take out what early versions of Keras 2 did not write; they wrote the groups of depthwise convolutions."""
    if isinstance(config, list):
        for part in config:
            strip(part)
    if isinstance(config, dict):
        for name in ("module", "registered_name", "build_config"):
            config.pop(name, None) if "class_name" in config else None
        for part in config.values():
            strip(part)


def written(folder):
    """Return the models by the names of their files."""
    models = {}
    for name, make in MODELS.items():
        models[name] = make()
        for version in VERSIONS[: 2 if name == "functional" else 1]:
            path = folder / f"{name} {version}.h5"
            models[name].save(path)
            respelled(path, version)
    with zipfile.ZipFile(folder / "converted_keras.zip", "w") as archive:
        archive.write((folder / "teachable 2.4.0.h5").rename(folder / "keras_model"), "keras_model.h5")
        archive.writestr("labels.txt", "0 cat\n1 dog\n2 something else\n")
        archive.writestr("__MACOSX/._keras_model.h5", b"\0\5\x16\7")
    return models


def lite(model, place, number=None):
    """Write a model as TensorFlow Lite, with whole numbers inside, in and out if `number` is their type."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if number:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture[None]] for picture in PICTURES)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = number
    place.write_bytes(converter.convert())


def frozen(model, place):
    """Write a model as TensorFlow 1 froze it: one graph with its weights as constants."""
    spec = tf.TensorSpec(model.input_shape, name="picture")
    call = tf.function(lambda pictures: model(pictures, training=False)).get_concrete_function(spec)
    tf.io.write_graph(convert_variables_to_constants_v2(call).graph, str(place.parent), place.name, as_text=False)


def lite_files(models, folder):
    lite(models["functional"], folder / "float.tflite")
    lite(models["functional"], folder / "int8.tflite", tf.int8)
    frozen(models["functional"], folder / "frozen.pb")
    frozen(models["two_heads"], folder / "two.pb")
    frozen(tf_keras.Sequential([layers.Dense(2, input_shape=(5,))]), folder / "numbers.pb")


def more(folder):
    """Write what takes longest to write: more files of TensorFlow Lite, and what xplique answers."""
    model = functional()
    lite(model, folder / "uint8.tflite", tf.uint8)
    lite(two_heads(), folder / "two.tflite")
    lite(tf_keras.Sequential([layers.Dense(2, input_shape=(5,))]), folder / "numbers.tflite")
    model.save(folder / "functional.h5")
    network, picture = opened(folder / "functional.h5", folder), np.random.default_rng(0).random((1, SIDE, SIDE, 3))
    gradient = network.backward(picture.astype(np.float32), np.arange(1), "logit")
    saliency = network.by_peer("xplique", "saliency", {}, PLAIN, picture[0].astype(np.float32), np.arange(1))
    np.savez(folder / "more.npz", gradient=gradient, xplique=saliency)


def opened(path, folder, reading=""):
    source = ModelSource(str(path), path.name, "", reading=reading)
    scratch = folder / f"scratch of {path.name}{len(reading)}"
    scratch.mkdir()
    return model_adapters.load(source, model_adapters.inspect(source), str(scratch))


def looked_inside(network, inputs, arrays):
    """Ask for what Grad-CAM, guided backpropagation, DeepLIFT, ablation and the check of a random layer need."""
    targets = np.arange(3) % network.card.classes
    arrays["gradient"] = network.backward(inputs, targets, "logit")
    arrays["probability"] = network.backward(inputs, targets, "probability")
    for rule in ("guided", "deconvnet"):
        arrays[rule] = network.backward(inputs, targets, "logit", rule)
    arrays["rescale"] = network.backward(inputs, targets, "logit", "rescale", np.zeros_like(inputs))
    arrays["black"] = network.forward(np.zeros_like(inputs))
    layer = network.card.layers[-1].name
    arrays["values"], arrays["slopes"] = network.layer_gradients(inputs, targets, "logit", layer)
    arrays["resumed"] = network.resume(inputs[:1], layer, arrays["values"])
    arrays["random"] = network.randomised(0).forward(inputs)
    arrays["again"] = network.forward(inputs)


def described(card):
    return {
        "classes": card.classes,
        "labels": card.labels,
        "gives": card.gives,
        "head": card.head,
        "lacks": [name.name for name in ~card.capabilities],
        "layers": [layer.name for layer in card.layers],
        "hint": card.hint and card.hint.to_json(),
        "outputs": [output.name for output in card.outputs],
    }


def main(folder):
    tf_keras.utils.set_random_seed(0)
    models, said, arrays = written(folder), {}, {}
    lite_files(models, folder)
    inputs = np.random.default_rng(0).random((3, SIDE, SIDE, 3), np.float32)
    for path in sorted((*folder.glob("*.h5"), *folder.glob("*.zip"))):
        try:
            network = opened(path, folder)
        except VitrineError as error:
            said[path.stem] = {"error": type(error).__name__, "message": str(error)}
            continue
        said[path.stem] = described(network.card)
        parts = {"outputs": network.forward(inputs)}
        if path.stem == "functional 2.4.0":
            looked_inside(network, inputs, parts)
        arrays |= {f"{path.stem}.{name}": values for name, values in parts.items()}
    arrays |= {f"{name}.original": original(models[name], inputs) for name in MODELS}
    chosen = opened(folder / "two_heads 2.4.0.h5", folder, '{"output": "colour"}')
    arrays["chosen"] = chosen.forward(inputs)
    said["kind"] = hdf5_kind(str(folder / "functional 2.4.0.h5")).framework
    np.savez(folder / "answers.npz", **arrays)
    (folder / "answers.json").write_text(json.dumps(said))


def original(model, inputs):
    outputs = model(inputs, training=False)
    return (
        np.concatenate([np.asarray(part) for part in outputs], 1) if isinstance(outputs, list) else np.asarray(outputs)
    )


if __name__ == "__main__":
    (more if sys.argv[2:] else main)(Path(sys.argv[1]))
