"""Describe on its card what is accessible inside a Keras model."""

from __future__ import annotations

from dataclasses import replace

import tensorflow as tf

from model_adapters.tensorflow.keras_layers import activations_of, last_with
from model_adapters.tensorflow.keras_network import KerasNetwork
from xai_core.types import OF_CLASSIFIERS, Capability, Card, Floats, Indices

NO_GRADIENT = "TensorFlow knows no gradient for this model; choose a method that needs predictions only."
NO_GRID = "no layer of this model gives values on a grid over the picture; choose a method that needs gradients only."
NO_LAST = "this model does not end in a dense or convolutional layer with one output a class."
FIXED = "this model takes {} at a time, and the rule needs a picture and its baseline together."
PYTORCH_ONLY = {
    "ATTENTION": "attention is not looked for in TensorFlow models. Use the model's PyTorch weights.",
    "PROPAGATION": "it is there for PyTorch weights and ONNX only. Export the model to ONNX.",
}
SEALED = dict.fromkeys(
    ("BACKWARD_RULES", "RESCALE", "ACTIVATIONS", "ABLATION", "RANDOMISATION"),
    "the functions in a SavedModel are sealed. Use the model's .keras file, or with Keras 2 model.save('model.h5').",
)
NOT_DIFFERENTIABLE = (
    ValueError,
    TypeError,
    LookupError,
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
)


def looked_into(card: Card, network: KerasNetwork, inputs: Floats, targets: Indices) -> Card:
    """Return the card with the layers and their capabilities, found by trying the gradient."""
    network.card = card
    try:
        layers = network.layers(inputs, targets)
    except NOT_DIFFERENTIABLE:
        lacks = ("GRADIENT", "BACKWARD_RULES", "RESCALE", "ACTIVATIONS", "ABLATION", "RANDOMISATION")
        return replace(card, capabilities=Capability.PREDICT, missing=dict.fromkeys(lacks, NO_GRADIENT) | PYTORCH_ONLY)
    missing = PYTORCH_ONLY | _missing(card, network, bool(layers))
    offered = OF_CLASSIFIERS
    for name in missing:
        offered &= ~Capability[name]
    return replace(card, capabilities=offered, missing=missing, layers=layers)


def _missing(card: Card, network: KerasNetwork, layers: bool) -> dict[str, str]:
    missing, batch = {}, card.input.batch
    if not network.relus:
        missing["BACKWARD_RULES"] = _no_relu(activations_of(network.model))
    if batch is not None:
        missing["RESCALE"] = FIXED.format(f"{batch} pictures" if batch > 1 else "one picture")
    if not layers:
        missing |= dict.fromkeys(("ACTIVATIONS", "ABLATION"), NO_GRID)
    if last_with(network.model, card.classes) is None:
        missing["RANDOMISATION"] = NO_LAST
    return missing


def _no_relu(names: tuple[str, ...]) -> str:
    others = f" but {', '.join(names)}" if names else " and no other activation"
    return f"this model has no ReLU{others}. Choose a method that needs gradients only."
