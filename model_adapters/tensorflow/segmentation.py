"""Keras models that label every pixel."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.output_shapes import shown
from model_adapters.common.probes import COMMON_SIDES, trials
from model_adapters.common.segmentation import (
    LABELS_ONLY,
    agree_with_head,
    both_sides,
    check_scores,
    head_of,
    inner_layers,
    is_channels_first,
    segmenter_card,
)
from model_adapters.tensorflow import keras_layers, several_outputs
from model_adapters.tensorflow.keras_api import keras
from model_adapters.tensorflow.keras_inside import looked_into
from model_adapters.tensorflow.keras_network import KerasNetwork
from xai_core.errors import UnsupportedModel
from xai_core.segmentation.regions import digest_of, mean_weights
from xai_core.segmentation.segmenter import Segmenter
from xai_core.types import FileKind, Flags, Floats, Head, InputSpec

NO_MAPS = "Expected scores (N, H, W, classes) for a segmentation network; the model returned {0}."
SEVERAL = "The model returns {0} maps: {1}. Name the output that holds the class scores."
STOPPED = "The model failed on a trial picture. Check that it takes float pictures of its input size."
SAVED_MODEL = (
    "This SavedModel labels every pixel, and Vitrine opens such networks from .keras, .h5 and ONNX files only. Use the "
    "model's .keras file, or export it to ONNX."
)
KEPT = 4  # regions, each with functions that were traced for it


class KerasSegmenter(KerasNetwork, Segmenter):
    """A Keras model that scores every pixel; as a network, it gives the means of its maps over a region.

    channels_first: how its maps are laid out. weights: (h, w) of a region on their grid, None for the whole picture.
    """

    def __init__(
        self,
        model: Any,
        spec: InputSpec,
        channels_first: bool = False,
        weights: Floats | None = None,
        random: Any = None,
    ) -> None:
        self._channels_first, self._weights = channels_first, weights
        self._regions: OrderedDict[str, KerasSegmenter] = OrderedDict()
        super().__init__(model, spec, random)

    def compile(self, head: Head) -> None:
        super().compile(head)
        self._mapped = tf.function(
            self._as_maps_of, input_signature=[self._inputs_spec(self._spec.batch)], autograph=False
        )

    def segment(self, inputs: Floats) -> Floats:
        return both_sides(self.maps(inputs), self.card.gives)

    def maps(self, inputs: Floats) -> Floats:
        """Return the model's maps (N, h, w, C) for inputs (N, H, W, C)."""

        def one_batch(part: Floats) -> Floats:
            return np.asarray(self._mapped(self._tensor(part)).numpy(), np.float32)

        return self._ask(one_batch, inputs)

    def within(self, region: Flags) -> KerasSegmenter:
        digest = digest_of(region)
        if digest not in self._regions:
            blank = np.zeros((1, *region.shape, self._spec.channels), np.float32)
            height, width = self.maps(blank).shape[1:3]
            self._regions[digest] = self._remade(mean_weights(region, (height, width)), self._random)
            self._regions[digest].key = f"{self.key} region {digest}".strip()
        self._regions.move_to_end(digest)
        if len(self._regions) > KEPT:
            self._regions.popitem(last=False)
        return self._regions[digest]

    def randomised(self, seed: int) -> KerasSegmenter:
        plain = super().randomised(seed)
        made = self._remade(self._weights, plain._random)
        made.key = f"{self.key} last layer random, seed {seed}".strip()
        return made

    def _remade(self, weights: Floats | None, random: Any) -> KerasSegmenter:
        made = KerasSegmenter(self.model, self._spec, self._channels_first, weights, random)
        made._own_classes = self._own_classes
        made.compile(self.head)
        made.card = self.card
        return made

    def _as_maps_of(self, inputs: Any) -> Any:
        return self._as_maps(self._rows(inputs))

    def _as_maps(self, output: Any) -> Any:
        maps = tf.cast(output, tf.float32)
        maps = maps[..., None] if len(maps.shape) == 3 else maps
        return tf.transpose(maps, (0, 2, 3, 1)) if self._channels_first else maps

    def _as_rows(self, output: Any, count: Any) -> Any:
        maps = self._as_maps(output)
        if self._weights is None:
            means = tf.reduce_mean(maps, [1, 2])
        else:
            means = tf.reduce_sum(maps * tf.constant(self._weights[None, :, :, None]), [1, 2])
        if maps.shape[-1] != 1:
            return means
        known = hasattr(self, "card") and self.card.gives == "probability"
        return tf.concat([1 - means if known else -means, means], 1)


def segmenter_of(model: Any, kind: FileKind, reading: str = "") -> KerasSegmenter:
    """Return the network around a Keras model that gives maps, whose last softmax or sigmoid is removed in place."""
    choice, spec = OutputChoice.from_text(reading), keras_layers.image_input(model)
    model = _with_maps(model, choice)
    network, inputs, expected = _tried(model, spec)
    check_scores(expected)
    cut = keras_layers.cut_head(model)
    head, gives, maps = None, "logit", expected
    if cut is not None:
        network.compile(cut.head)
        maps = [network.maps(batch) for batch in inputs]
        head = cut.head if agree_with_head(maps, expected, cut.head) else None
    if cut is not None and head is None:
        cut.restore()
        network.compile("softmax")
        maps = expected
    if head is None and (head := head_of(expected)):
        gives = "probability"
    card = segmenter_card("tensorflow", kind, spec, maps, head, gives, choice.scoring)  # type: ignore[arg-type]
    hint, reason = keras_layers.hint(model, spec)
    network.card = replace(card, hint=hint and replace(hint, fit="squash"), hint_reason=reason)
    network._own_classes = maps[0].shape[-1]
    network.compile(card.head)
    found = looked_into(network.card, network, inputs[0], network.forward(inputs[0]).argmax(axis=1))
    network.card = replace(found, layers=inner_layers(found.layers, maps[0].shape[-1]))
    return network


def check_labels(outputs: Mapping[str, Any]) -> None:
    """Raise UnsupportedModel if symbolic outputs hold the class of every pixel, but no scores of pixels."""
    kinds = [str(getattr(output.dtype, "name", output.dtype)) for output in outputs.values() if len(output.shape) > 2]
    if kinds and not any("float" in kind for kind in kinds):
        raise UnsupportedModel(LABELS_ONLY)


def _with_maps(model: Any, choice: OutputChoice) -> Any:
    """Return the model, or one with the output that holds the maps if there are several."""
    outputs = several_outputs.outputs_of(model)
    maps = {name: output for name, output in outputs.items() if len(output.shape) == 4}
    if choice.output:
        maps = {choice.among(maps): maps[choice.output]}
    if len(maps) > 1:
        raise UnsupportedModel(SEVERAL.format(len(maps), ", ".join(name[:40] for name in [*maps][:20])))
    if not maps:
        check_labels(outputs)
        raise UnsupportedModel(NO_MAPS.format(", ".join(shown(tuple(output.shape)) for output in outputs.values())))
    return model if len(outputs) == 1 else keras.Model(model.inputs[0], next(iter(maps.values())), name=model.name)


def _tried(model: Any, spec: InputSpec) -> tuple[KerasSegmenter, list[Floats], list[Floats]]:
    """Return the network, trial inputs and the maps that it gives; UnsupportedModel if no trial works."""
    last: Exception | None = None
    for side in COMMON_SIDES if None in (spec.height, spec.width) else COMMON_SIDES[:1]:
        inputs = trials(spec, side)
        try:
            network = KerasSegmenter(model, spec)
            size = inputs[0].shape[1], inputs[0].shape[2]
            shape = tuple(network.maps(inputs[0]).shape)
            if is_channels_first(shape, size, spec.layout):
                network = KerasSegmenter(model, spec, channels_first=True)
            return network, inputs, [network.maps(batch) for batch in inputs]
        except (tf.errors.InvalidArgumentError, ValueError) as error:
            last = error
    raise UnsupportedModel(STOPPED) from last
