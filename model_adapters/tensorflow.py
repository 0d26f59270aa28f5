"""Keras models and SavedModels through TensorFlow."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import tensorflow as tf

from model_adapters import keras_file, keras_layers, saved_model
from model_adapters.probes import COMMON_SIDES, agree, are_probabilities, in_batches, squash, trials
from xai_core.errors import OutOfMemory, RefusedModel, UnsupportedModel
from xai_core.preprocessing import Preprocessing, presets
from xai_core.types import Capability, Card, FileKind, Floats, Head, Indices, InputSpec, ModelSource, Network, Score

tf.get_logger().setLevel("ERROR")
ADVICE = "Choose a method that needs predictions only."
LARGEST_BATCH = 16 * 224 * 224  # pixels; TensorFlow keeps far more of a backward pass in memory than it needs


class TensorFlowNetwork(Network):
    """A compiled classifier.

    rows: maps a tensor in the model's layout and number type to scores (N, K). owner: kept alive with the network.
    """

    def __init__(self, rows: Callable[[Any], Any], spec: InputSpec, dtype: str, owner: Any) -> None:
        self._rows, self._spec, self._dtype, self._owner = rows, spec, dtype, owner
        self.compile()

    def compile(self) -> None:
        """Trace the model's functions anew, as is needed when one of its layers was changed."""
        spec = self._spec
        sides = (spec.height, spec.width)
        shape = (spec.batch, *sides, spec.channels) if spec.layout == "NHWC" else (spec.batch, spec.channels, *sides)
        inputs = tf.TensorSpec(shape, self._dtype)
        targets = tf.TensorSpec((spec.batch,), tf.int64)
        self._forward = tf.function(self._scores, input_signature=[inputs])
        self._backward = {
            head: tf.function(_gradient_of(self._scores, head), input_signature=[inputs, targets])
            for head in (None, "softmax", "sigmoid")
        }

    def forward(self, inputs: Floats) -> Floats:
        def one_batch(part: Floats) -> Floats:
            return np.asarray(self._forward(self._tensor(part)).numpy(), np.float32)

        return self._ask(one_batch, inputs)

    def backward(self, inputs: Floats, targets: Indices, score: Score) -> Floats:
        head = self.card.head if score == "probability" and self.card.gives == "logit" else None

        def one_batch(part: Floats, wanted: Indices) -> Floats:
            found = self._backward[head](self._tensor(part), tf.constant(wanted, tf.int64)).numpy()
            return np.ascontiguousarray(
                found.transpose(0, 2, 3, 1) if self._spec.layout == "NCHW" else found, np.float32
            )

        return self._ask(one_batch, inputs, targets)

    def _ask(self, call: Callable[..., Floats], *arrays: Any) -> Floats:
        most = max(1, LARGEST_BATCH // (arrays[0].shape[1] * arrays[0].shape[2]))
        try:
            return in_batches(call, self._spec.batch, *arrays, most=most)
        except tf.errors.ResourceExhaustedError as error:
            raise OutOfMemory("The model needs more memory than a model may use here.") from error
        except tf.errors.PermissionDeniedError as error:
            raise RefusedModel("The model tried to use a file outside its own folder and was stopped.") from error

    def _scores(self, inputs: Any) -> Any:
        rows = tf.cast(self._rows(inputs), tf.float32)
        return tf.reshape(rows, (tf.shape(inputs)[0], -1))

    def _tensor(self, inputs: Floats) -> Any:
        values = inputs.transpose(0, 3, 1, 2) if self._spec.layout == "NCHW" else inputs
        if self._dtype == "uint8":
            values = np.clip(np.rint(values), 0, 255)
        return tf.constant(np.ascontiguousarray(values, self._dtype))


def _gradient_of(scores: Callable[[Any], Any], head: Head | None) -> Callable[[Any, Any], Any]:
    final = {None: tf.identity, "softmax": tf.nn.softmax, "sigmoid": tf.nn.sigmoid}[head]

    def gradient(inputs: Any, targets: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            chosen = tf.gather(final(scores(inputs)), targets, axis=1, batch_dims=1)
        return tape.gradient(chosen, inputs)

    return gradient


def load(source: ModelSource, kind: FileKind, scratch: str) -> TensorFlowNetwork:
    """Open a Keras file, or a SavedModel whose archive is unpacked into `scratch`."""
    trusted = os.environ.get("VITRINE_TRUST_PICKLE") == "1"
    if kind.format == "savedmodel":
        return _load_saved_model(source.path, kind, scratch, trusted)
    if not trusted:
        keras_file.check(source.path, kind)
    return _load_keras(source.path, kind, scratch, trusted)


def _load_keras(path: str, kind: FileKind, scratch: str, trusted: bool) -> TensorFlowNetwork:
    model = _opened(path, kind, scratch, trusted)
    spec = keras_layers.image_input(model)
    keras_layers.check_output([tuple(o.shape) for o in model.outputs])
    network = TensorFlowNetwork(lambda inputs: model(inputs, training=False), spec, "float32", model)
    inputs, expected = _tried(network, spec)
    head = keras_layers.cut_head(model)
    if head is not None:
        network.compile()
        if not agree([squash(network.forward(i), head) for i in inputs], expected, 1e-4):
            return _load_uncut(path, kind, scratch, trusted, expected)
    network.card = _card(kind, spec, expected, head, *keras_layers.hint(model, spec))
    return network


def _load_uncut(path: str, kind: FileKind, scratch: str, trusted: bool, expected: list[Floats]) -> TensorFlowNetwork:
    model = _opened(path, kind, scratch, trusted)
    spec = keras_layers.image_input(model)
    network = TensorFlowNetwork(lambda inputs: model(inputs, training=False), spec, "float32", model)
    network.card = _card(kind, spec, expected, None, *keras_layers.hint(model, spec))
    return network


def _opened(path: str, kind: FileKind, scratch: str, trusted: bool) -> Any:
    # Keras tells its formats apart by the file's name, which an upload does not keep.
    named = os.path.join(scratch, "model.keras" if kind.format == "keras" else "model.h5")
    if not os.path.lexists(named):
        os.symlink(os.path.abspath(path), named)
    try:
        return keras.models.load_model(named, compile=False, safe_mode=not trusted)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise OutOfMemory("The model needs more memory than a model may use here.") from error
    except Exception as error:
        raise _open_error(str(error)) from error


def _open_error(text: str) -> Exception:
    if unknown := re.search(r"(?:Could not locate class|Unknown layer:?|Could not deserialize class) '?(\w+)", text):
        return UnsupportedModel(f"The class {unknown[1]!r} is not part of Keras. {keras_file.ADVICE}")
    return RefusedModel(
        "Keras can not open the file: it is damaged, or made by a version of Keras that is too old or too new. "
        "Open it where it was made and save it again as .keras, or export it to ONNX."
    )


def _load_saved_model(path: str, kind: FileKind, scratch: str, trusted: bool) -> TensorFlowNetwork:
    from model_adapters.archives import unpack

    root = os.path.join(scratch, "saved_model")
    unpack(path, root)
    folder = saved_model.find_folder(root)
    if not trusted:
        saved_model.check_operations(folder)
    found = saved_model.open_signature(folder)
    network = TensorFlowNetwork(found.rows, found.spec, found.dtype, found.owner)
    _, expected = _tried(network, found.spec)
    hint, reason = None, ""
    if found.dtype == "uint8":
        hint = presets(found.spec.height or 224, found.spec.width or 224, found.spec.channels)["0..255"]
        reason = "The model's input takes whole numbers from 0 to 255."
    network.card = _card(kind, found.spec, expected, None, hint, reason, _gradient_problem(network, found))
    return network


def _gradient_problem(network: TensorFlowNetwork, found: saved_model.Signature) -> str:
    if found.dtype == "uint8":
        return f"This model takes whole numbers, so it has no gradient. {ADVICE}"
    inputs = trials(found.spec)[0]
    try:
        network._backward[None](network._tensor(inputs[: found.spec.batch]), tf.zeros(len(inputs), tf.int64))
    except Exception:
        return f"TensorFlow knows no gradient for this model. {ADVICE}"
    return ""


def _tried(network: TensorFlowNetwork, spec: InputSpec) -> tuple[list[Floats], list[Floats]]:
    """Return inputs and the outputs for them; UnsupportedModel where none can be had."""
    free = None in (spec.height, spec.width)
    for side in COMMON_SIDES if free else COMMON_SIDES[:1]:
        inputs = trials(spec, side)
        try:
            return inputs, [network.forward(i) for i in inputs]
        except (tf.errors.OpError, ValueError) as error:
            last: Exception = error
    raise UnsupportedModel("The model stopped with an error when it was shown a picture of its input size.") from last


def _card(
    kind: FileKind,
    spec: InputSpec,
    expected: list[Floats],
    head: Head | None,
    hint: Preprocessing | None,
    reason: str,
    problem: str = "",
) -> Card:
    classes = expected[0].shape[1]
    return Card(
        framework="tensorflow",
        format=kind.format,
        classes=classes,
        input=spec,
        capabilities=Capability.PREDICT | (Capability(0) if problem else Capability.GRADIENT),
        gives="probability" if head is None and are_probabilities(expected) else "logit",
        head=head or ("sigmoid" if classes == 1 else "softmax"),
        missing={"GRADIENT": problem} if problem else {},
        hint=hint,
        hint_reason=reason,
    )
