"""Open Keras models and SavedModels with TensorFlow."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf

from model_adapters.common.output_shapes import is_score_row, not_a_classifier
from model_adapters.common.probes import COMMON_SIDES, agree, meaning, trials
from model_adapters.common.score_outputs import NOTE
from model_adapters.files import keras_files
from model_adapters.files.archives import unpack
from model_adapters.files.preflight import trusts_pickles
from model_adapters.tensorflow import (
    application_weights,
    keras_file,
    keras_layers,
    own_code,
    saved_model,
    segmentation,
    several_outputs,
)
from model_adapters.tensorflow.caffe_pixels import CaffePixels
from model_adapters.tensorflow.keras_api import IS_KERAS_2, built_layers_told, keras
from model_adapters.tensorflow.keras_inside import NO_GRADIENT, NOT_DIFFERENTIABLE, PYTORCH_ONLY, SEALED, looked_into
from model_adapters.tensorflow.keras_network import KerasNetwork
from model_adapters.tensorflow.lambdas import CAFFE_LAYER
from model_adapters.tensorflow.network import TensorFlowNetwork
from xai_core.doing import tell
from xai_core.errors import RefusedModel, UnsupportedModel
from xai_core.model_code import ModelCode
from xai_core.preprocessing import presets
from xai_core.scores import squashed
from xai_core.types import Capability, Card, FileKind, Floats, Head, InputSpec, ModelSource

ASSUMED = 224
OF_KERAS_2 = ("Functional", "Model", "TFOpLambda", "SlicingOpLambda")


class DepthwiseConv2D(keras.layers.DepthwiseConv2D):  # type: ignore[misc]
    """Accepts the `groups` of 1 that Keras 2 wrote into its files and Keras 3 does not know."""

    def __init__(self, *args: Any, groups: int = 1, **settings: Any) -> None:
        super().__init__(*args, **settings)


def load(source: ModelSource, kind: FileKind, scratch: str) -> TensorFlowNetwork:
    """Open a Keras file, or a SavedModel whose archive is unpacked into `scratch`."""
    trusted = trusts_pickles()
    if kind.format == "savedmodel" and source.task == "segment":
        raise UnsupportedModel(segmentation.SAVED_MODEL)
    if kind.format == "savedmodel":
        return _load_saved_model(source, kind, scratch, trusted)
    if source.code is not None:
        return _with_code(source, source.code, kind, scratch)
    if not trusted:
        keras_file.check(source.path, kind)
    if kind.format == "keras-weights":
        return _from_weights(source, kind, scratch)
    open_as = segmentation.segmenter_of if source.task == "segment" else network_of
    return open_as(_opened(source.path, kind, scratch, trusted), kind, source.reading)


def _with_code(source: ModelSource, code: ModelCode, kind: FileKind, scratch: str) -> TensorFlowNetwork:
    """Open a Keras file with the layers that the user's code defines."""
    own = own_code.definitions(code, source.path, kind, scratch)
    keras_file.check(source.path, kind, set(own.objects))
    with own.runnable.in_sentences():
        open_as = segmentation.segmenter_of if source.task == "segment" else network_of
        network = open_as(_opened(source.path, kind, scratch, False, own.objects), kind, source.reading)
    network.card = replace(network.card, notes=(*network.card.notes, own.note))
    return network


def _from_weights(source: ModelSource, kind: FileKind, scratch: str) -> TensorFlowNetwork:
    """Open weights alone as the network of keras.applications that they fit."""
    opened = application_weights.load(source.path, scratch)
    network = network_of(opened.model, kind, source.reading)
    card = replace(network.card, architecture=opened.name, notes=(*network.card.notes, *opened.notes))
    network.card = replace(card, doubt=opened.doubt or card.doubt)
    return network


def network_of(model: Any, kind: FileKind, reading: str = "") -> TensorFlowNetwork:
    """Return the network around a Keras model, whose last softmax or sigmoid is removed in place.

    reading: the choice of an output, as JSON. If several outputs may hold the class scores and none is chosen, the
    network gives all of them.
    """
    spec = keras_layers.image_input(model)
    outputs = several_outputs.outputs_of(model)
    names = tuple(name for name, output in outputs.items() if is_score_row(tuple(output.shape)))
    if not names:
        segmentation.check_labels(outputs)
        raise not_a_classifier([tuple(output.shape) for output in outputs.values()], spec.height or ASSUMED)
    names = several_outputs.chosen_name(names, reading)
    if len(outputs) == 1:
        return _explained(model, spec, kind)
    call = several_outputs.call_of(model)
    chosen = several_outputs.undecided(call, names, spec, "float32", model, kind, _tried)
    if isinstance(chosen, TensorFlowNetwork):
        hint, reason = keras_layers.hint(model, spec)
        chosen.card = replace(chosen.card, hint=hint, hint_reason=reason)
        return chosen
    network = _explained(keras.Model(model.inputs[0], outputs[chosen], name=model.name), spec, kind)
    network.card = replace(network.card, notes=(NOTE.format(count=len(outputs), name=chosen[:40]),))
    return network


def _explained(model: Any, spec: InputSpec, kind: FileKind) -> KerasNetwork:
    """Return the network around a Keras model with one row of scores."""
    network = KerasNetwork(model, spec)
    inputs, expected = _tried(network, spec)
    cut = _cut(model, network, inputs, expected)
    card = _card(kind, spec, expected, cut.head if cut else None)
    hint, reason = keras_layers.hint(model, spec)
    card = replace(card, hint=hint, hint_reason=reason)
    _head_set(network, card)
    network.card = looked_into(card, network, inputs[0], network.forward(inputs[0]).argmax(axis=1))
    return network


def _cut(
    model: Any, network: TensorFlowNetwork, inputs: list[Floats], expected: list[Floats]
) -> keras_layers.Cut | None:
    """Remove the last softmax or sigmoid, unless the rest then fails to reproduce the outputs."""
    cut = keras_layers.cut_head(model)
    if cut is None:
        return None
    network.compile(cut.head)
    if agree([squashed(network.forward(i), cut.head) for i in inputs], expected, 1e-4):
        return cut
    cut.restore()
    network.compile("softmax")
    return None


def _opened(
    path: str, kind: FileKind, scratch: str, trusted: bool, own: Mapping[str, Any] = MappingProxyType({})
) -> Any:
    # Keras needs the extension, which an upload loses; the sandbox allows no links, so the file is copied.
    named = os.path.join(scratch, "model.keras" if kind.format == "keras" else "model.h5")
    shutil.copyfile(path, named)
    known = {"DepthwiseConv2D": DepthwiseConv2D, CAFFE_LAYER: CaffePixels, **own}
    try:
        keras_file.replace_lambdas(named)
        with warnings.catch_warnings(action="ignore"), built_layers_told():
            return keras.models.load_model(named, known, compile=False, safe_mode=not trusted)
    except Exception as error:
        raise _open_error(error, keras_files.version_of(named)) from error
    finally:
        os.remove(named)


def _open_error(error: Exception, version: str) -> Exception:
    text = str(error)
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError) or re.search(r"(?i)permi(ssion|tted)", text):
        return error  # the worker knows its limits and words that error
    unknown = re.search(r"(?:Could not locate class|Unknown layer:?|Could not deserialize class) '?(\w+)", text)
    if unknown and unknown[1] not in OF_KERAS_2:
        return UnsupportedModel(keras_file.NOT_OF_KERAS.format(unknown[1]))
    if keras_files.is_keras_2(version) and not IS_KERAS_2:
        return UnsupportedModel(keras_files.INSTALL.format(version=version))
    return RefusedModel(
        "Keras cannot open the file: it is damaged, or made by a version of Keras that is too old or too new. "
        "Open it where it was made and save it again as .keras, or export it to ONNX."
    )


def _load_saved_model(source: ModelSource, kind: FileKind, scratch: str, trusted: bool) -> TensorFlowNetwork:
    root = os.path.join(scratch, "saved_model")
    unpack(source.path, root)
    folder = saved_model.find_folder(root)
    if not trusted:
        saved_model.check_operations(folder)
    signature = saved_model.open_signature(folder)
    names = several_outputs.chosen_name(signature.names, source.reading)
    spec, ends = signature.spec, (signature.dtype, signature.owner)
    chosen = several_outputs.undecided(signature.call, names, spec, *ends, kind, _tried)
    if isinstance(chosen, TensorFlowNetwork):
        chosen.card = _hinted(chosen.card, signature)
        return chosen
    network = TensorFlowNetwork(lambda inputs: signature.call(inputs)[chosen], spec, *ends)
    inputs, expected = _tried(network, spec)
    notes = () if len(signature.names) == 1 else (NOTE.format(count=len(signature.names), name=chosen[:40]),)
    card = _with_gradient(_card(kind, spec, expected), network, inputs[0])
    network.card = _hinted(replace(card, notes=notes), signature)
    return network


def _hinted(card: Card, signature: saved_model.Signature) -> Card:
    """Return the card with what the signature says: its notes, and the values that whole numbers need."""
    card = replace(card, notes=(*card.notes, *signature.notes))
    if signature.dtype != "uint8":
        return card
    spec = signature.spec
    wanted = presets(spec.height or ASSUMED, spec.width or ASSUMED, spec.channels)["0..255"]
    return replace(card, hint=wanted, hint_reason="Its input takes whole numbers from 0 to 255.")


def _with_gradient(card: Card, network: TensorFlowNetwork, inputs: Floats) -> Card:
    """Return the card with gradients as found by a trial, which also saves the first explanation the tracing."""
    _head_set(network, card)
    card = replace(card, missing=SEALED | PYTORCH_ONLY)
    try:
        network.gradient(inputs, np.zeros(len(inputs), np.int64))
    except NOT_DIFFERENTIABLE:
        missing = {**card.missing, "GRADIENT": NO_GRADIENT}
        return replace(card, capabilities=Capability.PREDICT, missing=missing)
    return card


def _head_set(network: TensorFlowNetwork, card: Card) -> None:
    if network.head != card.head:
        network.compile(card.head)


def _tried(network: TensorFlowNetwork, spec: InputSpec) -> tuple[list[Floats], list[Floats]]:
    """Return trial inputs and their outputs; UnsupportedModel if no trial works."""
    last: Exception | None = None
    for side in COMMON_SIDES if None in (spec.height, spec.width) else COMMON_SIDES[:1]:
        tell(f"running it on pictures of {spec.width or side} x {spec.height or side} pixels")
        inputs = trials(spec, side)
        try:
            return inputs, [network.forward(i) for i in inputs]
        except (tf.errors.InvalidArgumentError, ValueError) as error:
            last = error
    raise UnsupportedModel(
        "The model stopped with an error when it was shown a picture. Check that it runs in TensorFlow on float "
        "pictures of its input size."
    ) from last


def _card(kind: FileKind, spec: InputSpec, expected: list[Floats], cut: Head | None = None) -> Card:
    """Return the card of a network that gave `expected` before its end was `cut` off, if it had one."""
    return Card(
        framework="tensorflow",
        format=kind.format,
        classes=expected[0].shape[1],
        input=spec,
        capabilities=Capability.PREDICT | Capability.GRADIENT,
        **meaning(expected, cut is not None, cut),
    )
