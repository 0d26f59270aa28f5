"""Any TensorFlow classifier behind the common interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from model_adapters.probes import in_batches
from xai_core.types import Card, Floats, Head, Indices, InputSpec, Network, Score

# In pixels, 16 pictures of 224: a backward pass over more takes more memory than a worker has.
LARGEST_BATCH = 16 * 224 * 224
_FLAG = tf.TensorSpec((), tf.bool)


class TensorFlowNetwork(Network):
    """A compiled classifier; its card is set when it has been tried.

    rows: maps a tensor in the model's layout and number type to scores (N, K). owner: kept alive with the network.
    """

    card: Card

    def __init__(self, rows: Callable[[Any], Any], spec: InputSpec, dtype: str, owner: Any) -> None:
        self._rows, self._spec, self._dtype, self._owner = rows, spec, dtype, owner
        self.compile("softmax")

    def compile(self, head: Head) -> None:
        """Set what turns scores into probabilities, and forget what was traced of an earlier state of the model."""
        spec = self._spec
        sides = (spec.height, spec.width)
        shape = (spec.batch, *sides, spec.channels) if spec.layout == "NHWC" else (spec.batch, spec.channels, *sides)
        inputs, targets = tf.TensorSpec(shape, self._dtype), tf.TensorSpec((spec.batch,), tf.int64)
        self._forward = tf.function(self._scores, input_signature=[inputs])
        self.head = head
        final = tf.nn.softmax if head == "softmax" else tf.nn.sigmoid
        # One trace serves both scores: tracing costs a second, the softmax that is not asked for nothing.
        self._backward = tf.function(_gradient_of(self._scores, final), input_signature=[inputs, targets, _FLAG])

    def forward(self, inputs: Floats) -> Floats:
        def one_batch(part: Floats) -> Floats:
            return np.asarray(self._forward(self._tensor(part)).numpy(), np.float32)

        return self._ask(one_batch, inputs)

    def backward(self, inputs: Floats, targets: Indices, score: Score) -> Floats:
        return self.gradient(inputs, targets, score == "probability" and self.card.gives == "logit")

    def gradient(self, inputs: Floats, targets: Indices, squashed: bool = False) -> Floats:
        """Return d score[n, targets[n]] / d inputs, (N, H, W, C), of the squashed score or as it is.

        ValueError, LookupError or a TensorFlow error where the model has no gradient.
        """

        def one_batch(part: Floats, wanted: Indices) -> Floats:
            found = self._backward(self._tensor(part), tf.constant(wanted, tf.int64), squashed)
            if found is None:
                raise ValueError("The scores do not depend on the inputs in a way that TensorFlow can differentiate.")
            values = np.asarray(found.numpy(), np.float32)
            return np.ascontiguousarray(values.transpose(0, 2, 3, 1) if self._spec.layout == "NCHW" else values)

        return self._ask(one_batch, inputs, targets)

    def _ask(self, call: Callable[..., Floats], *arrays: Any) -> Floats:
        height, width = arrays[0].shape[1:3]
        return in_batches(call, self._spec.batch, *arrays, most=max(1, LARGEST_BATCH // (height * width)))

    def _scores(self, inputs: Any) -> Any:
        rows = tf.cast(self._rows(inputs), tf.float32)
        return tf.reshape(rows, (tf.shape(inputs)[0], -1))

    def _tensor(self, inputs: Floats) -> Any:
        values = inputs.transpose(0, 3, 1, 2) if self._spec.layout == "NCHW" else inputs
        if self._dtype == "uint8":
            values = np.clip(np.rint(values), 0, 255)
        return tf.constant(np.ascontiguousarray(values, self._dtype))


def _gradient_of(scores: Callable[[Any], Any], final: Callable[[Any], Any]) -> Callable[[Any, Any, Any], Any]:
    def gradient(inputs: Any, targets: Any, squashed: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            rows = scores(inputs)
            chosen = tf.gather(tf.where(squashed, final(rows), rows), targets, axis=1, batch_dims=1)
        return tape.gradient(chosen, inputs)

    return gradient
