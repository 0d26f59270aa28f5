"""What xplique explains: our scores of pictures, and for two kinds of methods the Keras model itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from model_adapters.tensorflow.keras_api import keras
from xai_core.errors import ModelError
from xai_core.preprocessing import LUMA, Preprocessing
from xai_core.types import Card, Floats, Indices, Score

NO_LAYERS = "xplique takes the layers of a Keras model, and a SavedModel does not show them."
NESTED = "xplique finds layers at the top of a model only, and {!r} lies in a model within it."
NOT_A_LAYER = "xplique takes layers only, and {!r} is a function or a layer that is used more than once."
RELUS = (
    "xplique replaces ReLUs in layers at the top of a model only: it finds {} of the {} that are here, and would give "
    "the plain gradient at the others."
)
COPIED = "xplique makes a copy of the model with its own weights, and the random last layer would not be in it."


class ScoringNetwork(Protocol):
    """A network as TensorFlow functions: all that xplique needs."""

    card: Card
    key: str

    def scores(self, inputs: Any) -> Any:
        """Return raw outputs (N, K) for a tensor in the model's layout and number type."""

    def final(self, rows: Any) -> Any:
        """Return probabilities for logits (N, K)."""

    def own_weights(self) -> AbstractContextManager[Any]:
        """Return the context in which the Keras model has this network's weights."""

    def laid_out(self, values: Any) -> Any:
        """Return a tensor (N, H, W, C) in the model's layout and number type."""


class PictureScores:
    """The scores of a network for pictures in 0..1, preprocessing included, as TensorFlow functions.

    score: what is explained, "logit" or "probability".
    """

    # xplique caches any model it gets, so it gets an empty one: gradients go through our operator.
    no_model = tf.Module()

    def __init__(self, network: ScoringNetwork, preprocessing: Preprocessing, score: Score) -> None:
        self.network, self._preprocessing = network, preprocessing
        self._squashed = score == "probability" and network.card.gives == "logit"
        size = (None, preprocessing.height, preprocessing.width, preprocessing.picture_depth)
        pictures, targets = tf.TensorSpec(size), tf.TensorSpec((None, network.card.classes))
        self._scores = tf.function(self._of_pictures, input_signature=[pictures, targets], autograph=False)

    def operator(self, model: Any, inputs: Any, targets: Any) -> Any:
        """Return the scores (N,) of pictures (N, H, W, 3) for one-hot targets (N, K), as xplique calls it."""
        return self._scores(inputs, targets)

    def in_graph(self, model: Any, inputs: Any, targets: Any) -> Any:
        """Return the same as `operator`, for use inside a traced function."""
        return self._of_pictures(inputs, targets)

    def repeated(self, image: Floats, targets: Indices) -> tuple[Floats, Floats]:
        """Return an image once for each target, and the targets one-hot, (T, K)."""
        images = np.repeat(image[None], len(targets), axis=0)
        return images, np.eye(self.network.card.classes, dtype=np.float32)[targets]

    def normalised(self, pictures: Any) -> Any:
        """Return pictures (N, H, W, 3) in [0, 1] as the network takes them."""
        wanted = self._preprocessing
        values = pictures
        if wanted.channels == "gray":
            values = tf.reduce_sum(values * LUMA, axis=-1, keepdims=True)
        if wanted.channels == "BGR":
            values = tf.reverse(values, [-1])
        values = (values * wanted.scale - tf.constant(wanted.mean)) / tf.constant(wanted.std)
        return self.network.laid_out(values)

    def final(self, rows: Any) -> Any:
        """Return the explained scores (N, K) for raw outputs."""
        return self.network.final(rows) if self._squashed else rows

    def _of_pictures(self, pictures: Any, targets: Any) -> Any:
        return tf.reduce_sum(self.final(self.network.scores(self.normalised(pictures))) * targets, axis=-1)


def by_replaced_relus(kind: Any, scores: PictureScores, batch: int, image: Floats, targets: Indices) -> Any:
    """Return the maps (T, H, W, 3) of a method for which xplique copies the model and replaces its ReLUs."""
    model = _model_of(scores)
    _check_relus(model, scores.network)

    def operator(copy: Any, inputs: Any, targets: Any) -> Any:
        rows = tf.cast(copy(scores.normalised(inputs), training=False), tf.float32)
        return tf.reduce_sum(scores.final(tf.reshape(rows, (tf.shape(inputs)[0], -1))) * targets, axis=-1)

    made = kind(_without_softmax(model), batch_size=batch, operator=operator, reducer=None)
    return made.explain(*scores.repeated(image, targets))


def by_conv_layer(kind: Any, scores: PictureScores, layers: tuple[str, ...], image: Floats, targets: Indices) -> Any:
    """Return the maps (T, H, W, 1) of a method that explains a layer, averaged over layers."""
    model, card = _model_of(scores), scores.network.card
    maps = []
    for name in layers or (card.usual_layer.name,):
        _check_layer(model, name)
        made = kind(model, conv_layer=name)
        made.model = _called(model, scores)
        with _traced_afresh(kind):
            maps.append(made.explain(*scores.repeated(image, targets)))
    return np.mean(maps, axis=0)


def _called(model: Any, scores: PictureScores) -> Callable[[Any], Any]:
    """Return a function from pictures to the model's scores, during which xplique watches the layer."""

    def call(pictures: Any) -> Any:
        with scores.network.own_weights():
            rows = model(scores.normalised(pictures), training=False)
        return scores.final(tf.reshape(rows, (tf.shape(pictures)[0], -1)))

    return call


@contextmanager
def _traced_afresh(kind: Any) -> Iterator[None]:
    """Give xplique's Grad-CAM a new function for this call; its shared one keeps every model it has seen."""
    holder = next(ancestor for ancestor in kind.__mro__ if "_gradient" in vars(ancestor))
    before = vars(holder)["_gradient"]
    holder._gradient = tf.function(before.python_function)
    try:
        yield
    finally:
        holder._gradient = before


def _model_of(scores: PictureScores) -> Any:
    model = getattr(scores.network, "model", None)
    if model is None:
        raise ModelError(NO_LAYERS)
    return model


def _check_layer(model: Any, name: str) -> None:
    if "/" in name:
        raise ModelError(NESTED.format(name))
    layer = next((candidate for candidate in model.layers if candidate.name == name), None)
    if layer is None or ":" in name:
        raise ModelError(NOT_A_LAYER.format(name))


def _check_relus(model: Any, network: Any) -> None:
    if network.key:
        raise ModelError(COPIED)
    seen = sum(map(_is_seen, model.layers))
    if seen < network.relus:
        raise ModelError(RELUS.format(seen, network.relus))


def _is_seen(layer: Any) -> bool:
    relus = (tf.nn.relu, keras.activations.relu)
    return isinstance(layer, keras.layers.ReLU) or getattr(layer, "activation", None) in relus


def _without_softmax(model: Any) -> Any:
    """Return the model without a last softmax layer, which was disabled; a copy would have the softmax again."""
    last = model.layers[-1]
    return keras.Model(model.inputs, last.input) if isinstance(last, keras.layers.Softmax) else model
