"""A Keras model behind the common interface, with accessible layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np
import tensorflow as tf

from model_adapters.common.probes import in_batches
from model_adapters.tensorflow.keras_api import with_weights
from model_adapters.tensorflow.keras_layers import last_with
from model_adapters.tensorflow.layers import Output, recorded, replaced
from model_adapters.tensorflow.network import FLAG, LARGEST_BATCH, NO_GRADIENT, TensorFlowNetwork, telling
from model_adapters.tensorflow.rules import RELUS, way_back
from xai_core.ends import End
from xai_core.errors import ModelError
from xai_core.types import Floats, Indices, InputSpec, Layer, Rule, Score

KEPT = 8  # traced functions; each holds a graph of a few megabytes


class KerasNetwork(TensorFlowNetwork):
    """A Keras model. It is changed only while a function is traced.

    random: a layer and the values that replace its own weights, by attribute.
    """

    def __init__(self, model: Any, spec: InputSpec, random: tuple[Any, Mapping[str, Any]] | None = None) -> None:
        self.model = model
        self._random = random
        self._own_classes = 0  # of the model, if an end makes others of them
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._unmixable: set[str] = set()
        self._seen: list[Output] = []
        super().__init__(self._called, spec, "float32", model)

    @property
    def relus(self) -> int:
        """Number of ReLUs in the network, including those capped at 6."""
        graph = self._forward.get_concrete_function().graph
        return sum(operation.type in RELUS for operation in graph.get_operations())

    def backward(
        self,
        inputs: Floats,
        targets: Indices,
        score: Score,
        rule: Rule = "gradient",
        references: Floats | None = None,
    ) -> Floats:
        """Return d score / d inputs as `Network.backward` does.

        With "rescale", products, window maxima and a final softmax also pass on their change, so that the differences
        of inputs and references times the result add up to the difference of the scores.
        """
        if rule == "gradient":
            return self.gradient(inputs, targets, self._squashed(score))
        squashed, arrays = self._squashed(score), [inputs, targets]

        def one_batch(part: Floats, wanted: Indices, *others: Floats) -> Floats:
            further = [self._tensor(array) for array in others]
            return self._nhwc(self._by(rule)(self._tensor(part), tf.constant(wanted, tf.int64), squashed, *further))

        if rule == "rescale":
            assert references is not None
            return self._ask(one_batch, *arrays, references, largest=LARGEST_BATCH // 2)
        return self._ask(one_batch, *arrays)

    def activations(self, inputs: Floats, layer: str) -> Floats:
        def values(tensor: Any) -> Any:
            with recorded(self.model, self._spec) as outputs:
                self.scores(tensor)
            output = _named(outputs, layer)
            return output.as_grid(output.tensor)

        call = self._function((layer, "values"), values, self._inputs_spec(self._spec.batch))
        return self._ask(lambda part: np.asarray(call(self._tensor(part)).numpy(), np.float32), inputs)

    def layer_gradients(self, inputs: Floats, targets: Indices, score: Score, layer: str) -> tuple[Floats, Floats]:
        squashed = self._squashed(score)

        def one_batch(part: Floats, wanted: Indices) -> Floats:
            pair = self._at(layer)(self._tensor(part), tf.constant(wanted, tf.int64), squashed)
            return np.stack([tensor.numpy() for tensor in pair], axis=1)

        pairs = self._ask(one_batch, inputs, targets)
        return pairs[:, 0], pairs[:, 1]

    def resume(self, inputs: Floats, layer: str, values: Floats) -> Floats:
        height, width = inputs.shape[1:3]
        most = max(1, LARGEST_BATCH // (height * width))
        resumed = telling(lambda part: self._resumed(inputs, layer, part))
        return in_batches(resumed, self._spec.batch, values, most=most)

    def randomised(self, seed: int) -> KerasNetwork:
        layer = last_with(self.model, self._own_classes or self.card.classes)
        draws = np.random.default_rng(seed)
        own = {name: getattr(layer, name, None) for name in ("kernel", "bias")}
        values = {name: weights.numpy() for name, weights in own.items() if weights is not None}
        random = {name: tf.constant(draws.normal(0, v.std(), v.shape), v.dtype) for name, v in values.items()}
        network = KerasNetwork(self.model, self._spec, (layer, random))
        network._end, network._own_classes = self._end, self._own_classes
        network.compile(self.head)
        network.card, network.key = self.card, f"{self.key} last layer random, seed {seed}".strip()
        return network

    def ended(self, end: End) -> KerasNetwork:
        made = cast(KerasNetwork, super().ended(end))
        made._kept, made._own_classes = OrderedDict(), self._own_classes or self.card.classes
        return made

    def layers(self, inputs: Floats, targets: Indices) -> tuple[Layer, ...]:
        """Return the layers on a grid that the scores depend on, found by a trial that also traces the plain gradient.

        ValueError, LookupError or a TensorFlow error if the model has no gradient.
        """
        count = self._spec.batch or len(inputs)
        inputs, targets = np.resize(inputs, (count, *inputs.shape[1:])), np.resize(targets, count)
        gradient, strength = self._backward(self._tensor(inputs), tf.constant(targets, tf.int64), False)
        outputs = self._sized(self._seen, inputs)
        layers = [Layer(name, *grid) for name, grid in outputs if min(grid[:2]) > 1]
        if not np.asarray(gradient).any():  # an uninformative trial, as of a model that ends in closed ReLUs
            return tuple(layers)
        while layers and not float(strength):
            layers.pop()
            strength = np.abs(self.layer_gradients(inputs, targets, "logit", layers[-1].name)[1]).sum() if layers else 0
        return tuple(layers)

    def own_weights(self) -> AbstractContextManager[Any]:
        return with_weights(*self._random) if self._random else nullcontext()

    def _called(self, inputs: Any) -> Any:
        with self.own_weights():
            return self.model(inputs, training=False)

    def _slopes(self, inputs: Any, targets: Any, squashed: Any) -> tuple[Any, ...]:
        """Return the gradient with respect to the inputs, and the magnitude of that of the last layer on a grid."""
        with recorded(self.model, self._spec) as outputs:
            chosen = self._chosen(self.scores(inputs), targets, squashed)
        outputs = [output for output in outputs if 1 not in output.grid[:2]]
        gradient, *slopes = tf.gradients(chosen, [inputs, *(output.tensor for output in outputs)])
        if gradient is None:
            raise ValueError(NO_GRADIENT)
        reached = [(output, slope) for output, slope in zip(outputs, slopes, strict=True) if slope is not None]
        self._seen = [output for output, _ in reached]
        return gradient, tf.reduce_sum(tf.abs(tf.convert_to_tensor(reached[-1][1]))) if reached else tf.constant(0.0)

    def _sized(self, outputs: list[Output], inputs: Floats) -> list[tuple[str, tuple[int, int, int]]]:
        """Return the names and grids of outputs; free sizes are those for inputs (N, H, W, C)."""
        if any(None in output.grid for output in outputs):
            wanted = {output.name for output in outputs}
            outputs = [output for output in self._traced_at(inputs) if output.name in wanted]
        return [(output.name, tuple(int(size or 0) for size in output.grid)) for output in outputs]  # type: ignore[misc]

    def _traced_at(self, inputs: Floats) -> list[Output]:
        def trace(tensor: Any) -> Any:
            with recorded(self.model, self._spec) as outputs:
                rows = self.scores(tensor)
            seen.extend(outputs)
            return rows

        seen: list[Output] = []
        tensor = self._tensor(inputs)
        tf.function(trace, autograph=False).get_concrete_function(tf.TensorSpec(tensor.shape, tensor.dtype))
        return seen

    def _by(self, rule: Rule) -> Any:
        def slopes(inputs: Any, targets: Any, squashed: Any, *references: Any) -> Any:
            with way_back(rule, self.model):
                rows = self.scores(tf.concat([inputs, *references], 0))
                chosen = self._chosen(rows, targets, squashed)
            return tf.gradients(chosen, inputs)[0]

        inputs = self._inputs_spec(self._spec.batch)
        further = [inputs] if rule == "rescale" else []
        return self._function((rule,), slopes, inputs, self._targets_spec(), FLAG, *further)

    def _at(self, layer: str) -> Any:
        def slopes(inputs: Any, targets: Any, squashed: Any) -> tuple[Any, Any]:
            with recorded(self.model, self._spec) as outputs:
                chosen = self._chosen(self.scores(inputs), targets, squashed)
            output = _named(outputs, layer)
            (slope,) = tf.gradients(chosen, output.tensor)
            return output.as_grid(output.tensor), output.as_grid(
                tf.zeros_like(output.tensor) if slope is None else slope
            )

        inputs = self._inputs_spec(self._spec.batch)
        return self._function((layer, "slopes"), slopes, inputs, self._targets_spec(), FLAG)

    def _resumed(self, inputs: Floats, layer: str, values: Floats) -> Floats:
        """Run the part before the layer once, and the part after it for all values, if the two can be mixed."""
        if self._spec.batch is None and layer not in self._unmixable:
            try:
                return self._tail(inputs, layer, values)
            except (tf.errors.InvalidArgumentError, ValueError):
                self._unmixable.add(layer)
        return self._tail(np.repeat(inputs, len(values), axis=0), layer, values)

    def _tail(self, inputs: Floats, layer: str, values: Floats) -> Floats:
        def rows(tensor: Any, replacement: Any) -> Any:
            with replaced(self.model, self._spec, layer, replacement):
                output = self._called(tensor)
            return self._finished(self._as_rows(output, tf.shape(output)[0]))

        batch, grid = self._spec.batch, values.shape[1:]
        specs = self._inputs_spec(batch), tf.TensorSpec((batch, *grid), tf.float32)
        call = self._function((layer, "tail", grid), rows, *specs)
        return np.asarray(call(self._tensor(inputs), tf.constant(values, tf.float32)).numpy(), np.float32)

    def _function(self, key: tuple[Any, ...], body: Callable[..., Any], *specs: Any) -> Any:
        """Return the function cached under a key, or a new one; the least recently used one is dropped."""
        if key not in self._kept:
            self._kept[key] = tf.function(body, input_signature=specs, autograph=False)
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def _named(outputs: list[Output], layer: str) -> Output:
    for output in outputs:
        if output.name == layer:
            return output
    raise ModelError(f"The model has no layer {layer[:60]!r} whose output lies on a grid.")
