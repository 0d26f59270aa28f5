"""Record or replace the outputs of a Keras model's layers while it is traced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from model_adapters.tensorflow.caffe_pixels import CaffePixels
from model_adapters.tensorflow.keras_api import keras, swapped
from model_adapters.tensorflow.keras_layers import is_function, named_operations
from xai_core.doing import tell
from xai_core.types import InputSpec

# The output of these is the picture itself, scaled or moved.
PICTURES = (
    keras.layers.InputLayer,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Resizing,
    keras.layers.CenterCrop,
    keras.layers.ZeroPadding2D,
    keras.layers.Cropping2D,
    CaffePixels,
)


@dataclass(frozen=True)
class Output:
    """A traced layer's output on a grid, (N, h, w, K), or with channels first if the model works so."""

    name: str
    tensor: Any
    channels_first: bool

    @property
    def grid(self) -> tuple[int | None, int | None, int | None]:
        """Height, width and channels; None if a size is free."""
        sizes = tuple(self.tensor.shape)
        height, width, channels = (*sizes[2:], sizes[1]) if self.channels_first else sizes[1:]
        return height, width, channels

    def as_grid(self, tensor: Any) -> Any:
        """Return a tensor of this output's layout as (N, h, w, K) float32."""
        plain = tf.cast(tf.convert_to_tensor(tensor), tf.float32)
        return tf.transpose(plain, (0, 2, 3, 1)) if self.channels_first else plain

    def from_grid(self, values: Any) -> Any:
        """Return values (N, h, w, K) in this output's layout and number type."""
        return tf.cast(tf.transpose(values, (0, 3, 1, 2)) if self.channels_first else values, self.tensor.dtype)


@contextmanager
def recorded(model: Any, spec: InputSpec) -> Iterator[list[Output]]:
    """While a model is traced inside, list its layers' outputs on a grid, in the order of the forward pass."""
    outputs: list[Output] = []

    def see(output: Output) -> Any:
        outputs.append(output)
        return output.tensor

    with _watched(model, spec, see):
        yield outputs


@contextmanager
def replaced(model: Any, spec: InputSpec, name: str, values: Any) -> Iterator[None]:
    """While a model is traced inside, replace a layer's output by `values` (N, h, w, K)."""

    def see(output: Output) -> Any:
        return output.from_grid(values) if output.name == name else output.tensor

    with _watched(model, spec, see):
        yield


@contextmanager
def _watched(model: Any, spec: InputSpec, see: Callable[[Output], Any]) -> Iterator[None]:
    """While the model is traced inside, replace every output on a grid by the tensor that `see` returns."""
    watch = _Watch(see, spec.layout == "NCHW")
    with swapped([(operation, "call", watch.over(name, operation)) for name, operation in named_operations(model)]):
        yield


class _Watch:
    """Wraps calls of layers; from the second call on, a layer's name includes the number of the call."""

    def __init__(self, see: Callable[[Output], Any], channels_first: bool) -> None:
        self._see, self._channels_first = see, channels_first
        self._calls: Counter[str] = Counter()
        self._still_picture = True  # until a layer that computes was called

    def over(self, name: str, operation: Any) -> Callable[..., Any]:
        call = operation.call

        def watched(*args: Any, **settings: Any) -> Any:
            output = call(*args, **settings)
            self._calls[name] += 1
            tell(f"inspected {self._calls.total()} layers so far")
            # Few layers declare their channel order; the others keep that of the layers before them.
            said = getattr(operation, "data_format", None)
            self._channels_first = said == "channels_first" if isinstance(said, str) else self._channels_first
            if self._is_picture(operation) or not _on_grid(output, (args, settings)):
                return output
            self._still_picture = False
            number = self._calls[name]
            return self._see(Output(name if number == 1 else f"{name}:{number}", output, self._channels_first))

        return watched

    def _is_picture(self, operation: Any) -> bool:
        """Whether the output of an operation is the picture itself, scaled or moved."""
        return isinstance(operation, PICTURES) or (self._still_picture and is_function(operation))


def _on_grid(output: Any, inputs: Any) -> bool:
    """Whether a layer returned a tensor with four axes that is not one of its inputs."""
    if not tf.is_tensor(output) or output.shape.rank != 4 or not output.dtype.is_floating:
        return False
    return not any(output is value for value in tf.nest.flatten(inputs))
