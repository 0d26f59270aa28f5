"""Any TensorFlow classifier behind the common interface."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import tensorflow as tf

from model_adapters.common.probes import in_batches, ran_out
from model_adapters.engines.openvino import Portable
from model_adapters.tensorflow.peers import compare
from model_adapters.tensorflow.peers.models import PictureScores
from xai_core.ends import SHORTEST, End
from xai_core.network import Network
from xai_core.preprocessing import Preprocessing
from xai_core.trust.peers import libraries_of
from xai_core.types import Card, Floats, Head, Indices, InputSpec, Rule, Score

# In pixels, 16 pictures of 224: a backward pass over more takes more memory than a worker has.
LARGEST_BATCH = 16 * 224 * 224
FLAG = tf.TensorSpec((), tf.bool)
NO_GRADIENT = "The scores do not depend on the inputs in a way that TensorFlow can differentiate."


class TensorFlowNetwork(Network):
    """A compiled classifier; its card is set after a trial.

    rows: maps a tensor in the model's layout and number type to scores (N, K). owner: kept alive with the network.
    """

    card: Card

    def __init__(self, rows: Callable[[Any], Any], spec: InputSpec, dtype: str, owner: Any) -> None:
        self._rows, self._spec, self._dtype, self._owner = rows, spec, dtype, owner
        self._end: End | None = None
        self.compile("softmax")

    def compile(self, head: Head) -> None:
        """Set the head that turns scores into probabilities, and drop functions traced before the model changed."""
        self.head = head
        inputs = self._inputs_spec(self._spec.batch)
        self._forward = tf.function(self.scores, input_signature=[inputs], autograph=False)
        # Without AutoGraph, which would put tracebacks into our error messages.
        # One trace serves both scores: tracing takes a second, an unused softmax no time.
        self._backward = tf.function(
            self._slopes, input_signature=[inputs, self._targets_spec(), FLAG], autograph=False
        )

    def forward(self, inputs: Floats) -> Floats:
        def one_batch(part: Floats) -> Floats:
            return np.asarray(self._forward(self._tensor(part)).numpy(), np.float32)

        return self._ask(one_batch, inputs)

    def backward(
        self,
        inputs: Floats,
        targets: Indices,
        score: Score,
        rule: Rule = "gradient",
        references: Floats | None = None,
    ) -> Floats:
        if rule != "gradient":
            raise self._lacks(f"gradients by the rule {rule!r}")
        return self.gradient(inputs, targets, self._squashed(score))

    def portable(self, height: int, width: int) -> Portable | None:
        """Return the scores' function for other engines, for any size; None if it runs on a GPU."""
        return None if tf.config.list_physical_devices("GPU") else Portable(self._forward, dtype=self._dtype)

    def gradient(self, inputs: Floats, targets: Indices, squashed: bool = False) -> Floats:
        """Return d score[n, targets[n]] / d inputs, (N, H, W, C), of the squashed or the raw score.

        ValueError, LookupError or a TensorFlow error if the model has no gradient.
        """

        def one_batch(part: Floats, wanted: Indices) -> Floats:
            return self._nhwc(self._backward(self._tensor(part), tf.constant(wanted, tf.int64), squashed)[0])

        return self._ask(one_batch, inputs, targets)

    def by_peer(
        self,
        library: str,
        method: str,
        values: Mapping[str, Any],
        preprocessing: Preprocessing,
        image: Floats,
        targets: Indices,
    ) -> Floats:
        if library not in libraries_of("tensorflow"):
            return super().by_peer(library, method, values, preprocessing, image, targets)
        scores = PictureScores(self, preprocessing, values.get("score", self.card.gives))
        return compare.maps(scores, method, values, image, targets)

    def scores(self, inputs: Any) -> Any:
        """Return raw outputs (N, K) float32 for a tensor in the model's layout and number type."""
        return self._finished(self._as_rows(self._rows(inputs), tf.shape(inputs)[0]))

    def final(self, rows: Any) -> Any:
        """Return probabilities for logits (N, K)."""
        return tf.nn.softmax(rows) if self.head == "softmax" else tf.nn.sigmoid(rows)

    def read_as(self, card: Card) -> None:
        super().read_as(card)
        if self.head != card.head:
            self.compile(card.head)

    def ended(self, end: End) -> TensorFlowNetwork:
        made = copy.copy(self)
        made._end, made.key = end, f"{self.key} {end.key}".strip()
        made.compile(self.head)
        return made

    def own_weights(self) -> AbstractContextManager[Any]:
        """Return the context in which the model has this network's weights."""
        return nullcontext()

    def laid_out(self, values: Any) -> Any:
        """Return a tensor (N, H, W, C) in the model's units in the layout and number type that it takes."""
        if self._dtype == "uint8":
            values = tf.clip_by_value(tf.round(values), 0, 255)
        return tf.cast(tf.transpose(values, (0, 3, 1, 2)) if self._spec.layout == "NCHW" else values, self._dtype)

    def _as_rows(self, output: Any, count: Any) -> Any:
        """Return what the model gives for `count` pictures as rows (N, K) float32."""
        return tf.reshape(tf.cast(output, tf.float32), (count, -1))

    def _finished(self, rows: Any) -> Any:
        """Return the scores that the network's end makes of its rows (N, K)."""
        if self._end is None:
            return rows
        if self._end.references is None:
            return tf.concat([-rows if self._end.kind == "both sides" else 1 - rows, rows], 1)
        return tf.matmul(_of_length_one(rows), _of_length_one(tf.constant(self._end.references)), transpose_b=True)

    def _slopes(self, inputs: Any, targets: Any, squashed: Any) -> tuple[Any, ...]:
        """Return the gradient with respect to the inputs, first; a subclass may return more."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            chosen = self._chosen(self.scores(inputs), targets, squashed)
        return (_checked(tape.gradient(chosen, inputs)),)

    def _chosen(self, rows: Any, targets: Any, squashed: Any) -> Any:
        scores = tf.where(squashed, self.final(rows), rows)  # those of references may follow those of the targets
        numbers = tf.range(tf.size(targets, tf.int64), dtype=tf.int64)
        return tf.gather_nd(scores, tf.stack([numbers, targets], 1))  # traced faster than the gradient of gather

    def _squashed(self, score: Score) -> bool:
        return score == "probability" and self.card.gives == "logit"

    def _ask(self, call: Callable[..., Floats], *arrays: Any, largest: int = LARGEST_BATCH) -> Floats:
        height, width = arrays[0].shape[1:3]
        return in_batches(telling(call), self._spec.batch, *arrays, most=max(1, largest // (height * width)))

    def _inputs_spec(self, batch: int | None) -> Any:
        spec = self._spec
        sides = (spec.height, spec.width)
        return tf.TensorSpec(
            (batch, *sides, spec.channels) if spec.layout == "NHWC" else (batch, spec.channels, *sides), self._dtype
        )

    def _targets_spec(self) -> Any:
        return tf.TensorSpec((self._spec.batch,), tf.int64)

    def _tensor(self, inputs: Floats) -> Any:
        values = inputs.transpose(0, 3, 1, 2) if self._spec.layout == "NCHW" else inputs
        if self._dtype == "uint8":
            values = np.clip(np.rint(values), 0, 255)
        return tf.constant(np.ascontiguousarray(values, self._dtype))

    def _nhwc(self, tensor: Any) -> Floats:
        values = np.asarray(tensor.numpy(), np.float32)
        return np.ascontiguousarray(values.transpose(0, 2, 3, 1) if self._spec.layout == "NCHW" else values)


def telling(call: Callable[..., Floats]) -> Callable[..., Floats]:
    """Wrap a call so that it raises OutOfMemory if TensorFlow has no memory for the batch."""

    def guarded(*parts: Any) -> Floats:
        try:
            return call(*parts)
        except tf.errors.ResourceExhaustedError as error:
            raise ran_out(len(parts[0])) from error

    return guarded


def _of_length_one(rows: Any) -> Any:
    return rows / tf.maximum(tf.norm(rows, axis=1, keepdims=True), SHORTEST)


def _checked(gradient: Any) -> Any:
    if gradient is None:
        raise ValueError(NO_GRADIENT)
    return gradient
