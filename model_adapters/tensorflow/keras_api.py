"""The Keras of this process: Keras 3, or tf_keras for what Keras 2 wrote. The two never meet in one process."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from model_adapters.tensorflow.worker import uses_tf_keras
from xai_core.doing import tell

IS_KERAS_2 = uses_tf_keras()
keras: Any = importlib.import_module("tf_keras") if IS_KERAS_2 else importlib.import_module("keras")


def origin(tensor: Any) -> Any:
    """Return the layer or function that a symbolic tensor of a model comes from."""
    history = tensor._keras_history
    return history.layer if IS_KERAS_2 else history.operation


def with_weights(layer: Any, values: Mapping[str, Any]) -> AbstractContextManager[Any]:
    """Return the context in which a layer computes with other weights; `values` are tensors by attribute."""
    if IS_KERAS_2:
        return swapped([(layer, name, value) for name, value in values.items()])
    return keras.StatelessScope([(getattr(layer, name), value) for name, value in values.items()])  # type: ignore[no-any-return]


@contextmanager
def built_layers_told() -> Iterator[None]:
    """While models are loaded inside, say how many layers have been built."""
    kind, count = keras.layers.Layer, itertools.count(1)
    call = kind.__call__

    def counted(layer: Any, *args: Any, **settings: Any) -> Any:
        tell(f"built {next(count)} layers so far")
        return call(layer, *args, **settings)

    kind.__call__ = counted
    try:
        yield
    finally:
        kind.__call__ = call


@contextmanager
def swapped(attributes: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """While active, set an attribute on each object: (object, name, value)."""
    before = [(owner, name, vars(owner)[name]) for owner, name, _ in attributes if name in vars(owner)]
    try:
        for owner, name, value in attributes:
            vars(owner)[name] = value
        yield
    finally:
        for owner, name, _ in attributes:
            vars(owner).pop(name, None)
        for owner, name, value in before:
            vars(owner)[name] = value
