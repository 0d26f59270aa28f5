"""Models with several outputs: choose the one that holds the class scores, or ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.score_outputs import apart, asking, described, distinct
from model_adapters.tensorflow.keras_api import keras, origin
from model_adapters.tensorflow.network import TensorFlowNetwork
from xai_core.types import Capability, Card, FileKind, Floats, InputSpec

TRIED = 2  # pictures
Call = Callable[[Any], Mapping[str, Any]]  # from a tensor in the model's layout to all outputs, by name
Tried = Callable[[TensorFlowNetwork, InputSpec], tuple[list[Floats], list[Floats]]]


def undecided(
    call: Call, names: Sequence[str], spec: InputSpec, dtype: str, owner: Any, kind: FileKind, tried: Tried
) -> str | TensorFlowNetwork:
    """Return the only one of `names` that answers, or a network that gives all of these outputs side by side.

    names: the outputs that have one score per class. tried: returns trial inputs and a network's answers to them.
    """
    if len(names) == 1:
        return names[0]
    network = TensorFlowNetwork(_side_by_side(call, names), spec, dtype, owner)
    inputs, expected = tried(network, spec)
    few = np.resize(inputs[0], (spec.batch or TRIED, *inputs[0].shape[1:]))
    shapes = {name: tuple(output.shape) for name, output in call(network.laid_out(tf.constant(few))).items()}
    answers = apart(expected, names, shapes)
    different = distinct(answers)
    if len(different) == 1:
        return different[0]
    asked = TensorFlowNetwork(_side_by_side(call, different), spec, dtype, owner)
    card = Card("tensorflow", kind.format, 0, spec, Capability.PREDICT)
    asked.card = asking(card, described(answers, different, shapes))
    return asked


def _side_by_side(call: Call, names: Sequence[str]) -> Callable[[Any], Any]:
    def rows(inputs: Any) -> Any:
        outputs = call(inputs)
        count = tf.shape(inputs)[0]
        return tf.concat([tf.reshape(tf.cast(outputs[name], tf.float32), (count, -1)) for name in names], 1)

    return rows


def outputs_of(model: Any) -> dict[str, Any]:
    """Return the symbolic outputs of a Keras model, by the names of their layers; a repeated name gets a number."""
    outputs: dict[str, Any] = {}
    for output in model.outputs:
        name = str(origin(output).name)
        outputs[name if name not in outputs else f"{name}_{len(outputs)}"] = output
    return outputs


def call_of(model: Any) -> Call:
    """Return a function from a tensor to all outputs of a Keras model, by name."""
    flat = keras.Model(model.inputs[0], list(model.outputs))
    names = tuple(outputs_of(model))
    return lambda inputs: dict(zip(names, flat(inputs, training=False), strict=True))


def chosen_name(names: tuple[str, ...], reading: str) -> tuple[str, ...]:
    """Return the output that a reading chooses, alone, or all `names` if it chooses none; ParamError if it is none."""
    choice = OutputChoice.from_text(reading)
    return (choice.among(names),) if choice.output else names
