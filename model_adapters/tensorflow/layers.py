"""The layers of a Keras model while it is traced: what each gives, and something else in its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from model_adapters.tensorflow.keras_layers import named_operations
from xai_core.types import InputSpec

# What these give is the picture itself, scaled or moved.
PICTURES = (
    keras.layers.InputLayer,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Resizing,
    keras.layers.CenterCrop,
    keras.layers.ZeroPadding2D,
    keras.layers.Cropping2D,
)


@dataclass(frozen=True)
class Output:
    """What a layer gave on a grid, (N, h, w, K) or with channels first as the model works, while it was traced."""

    name: str
    tensor: Any
    channels_first: bool

    @property
    def grid(self) -> tuple[int | None, int | None, int | None]:
        """Height, width and channels; None where a size is free."""
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
    """While a model is traced inside, list what its layers give on a grid, in the order of the forward pass."""
    found: list[Output] = []

    def see(output: Output) -> Any:
        found.append(output)
        return output.tensor

    with _watched(model, spec, see):
        yield found


@contextmanager
def replaced(model: Any, spec: InputSpec, name: str, values: Any) -> Iterator[None]:
    """While a model is traced inside, let a layer give `values` (N, h, w, K) instead of its own."""

    def see(output: Output) -> Any:
        return output.from_grid(values) if output.name == name else output.tensor

    with _watched(model, spec, see):
        yield


@contextmanager
def _watched(model: Any, spec: InputSpec, see: Callable[[Output], Any]) -> Iterator[None]:
    """Let `see` put a tensor in the place of every output on a grid, while the model is traced inside."""
    watch = _Watch(see, spec.layout == "NCHW")
    with swapped([(one, "call", watch.over(name, one)) for name, one in named_operations(model)]):
        yield


@contextmanager
def swapped(attributes: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """Give objects another attribute each, (object, name, value), while what is inside runs."""
    before = [(one, name, vars(one)[name]) for one, name, _ in attributes if name in vars(one)]
    try:
        for one, name, value in attributes:
            vars(one)[name] = value
        yield
    finally:
        for one, name, _ in attributes:
            vars(one).pop(name, None)
        for one, name, value in before:
            vars(one)[name] = value


class _Watch:
    """Wraps calls of layers; a layer that is called again gets a name with the number of the call."""

    def __init__(self, see: Callable[[Output], Any], channels_first: bool) -> None:
        self._see, self._channels_first = see, channels_first
        self._calls: Counter[str] = Counter()

    def over(self, name: str, operation: Any) -> Callable[..., Any]:
        call = operation.call

        def watched(*args: Any, **settings: Any) -> Any:
            found = call(*args, **settings)
            self._calls[name] += 1
            # Few layers say which way their channels lie; the others work on what those before them gave.
            said = getattr(operation, "data_format", None)
            self._channels_first = said == "channels_first" if isinstance(said, str) else self._channels_first
            if isinstance(operation, PICTURES) or not _on_grid(found, (args, settings)):
                return found
            number = self._calls[name]
            return self._see(Output(name if number == 1 else f"{name}:{number}", found, self._channels_first))

        return watched


def _on_grid(found: Any, given: Any) -> bool:
    """Say whether a layer gave a tensor with four axes, and not just what it was given."""
    if not tf.is_tensor(found) or found.shape.rank != 4 or not found.dtype.is_floating:
        return False
    return not any(found is one for one in tf.nest.flatten(given))
