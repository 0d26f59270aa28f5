"""Read what an opened Keras model says about itself: its input, last activation, first layers and name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from model_adapters.common.input_shapes import input_spec
from model_adapters.tensorflow.caffe_pixels import CaffePixels
from model_adapters.tensorflow.graph_functions import FUNCTION_LAYERS
from model_adapters.tensorflow.keras_api import IS_KERAS_2, keras, origin
from xai_core.errors import UnsupportedModel
from xai_core.preprocessing import Preprocessing, presets
from xai_core.types import Head, InputSpec

# The `preprocess_input` of each model in keras.applications, by the name that the model carries.
APPLICATIONS = {
    r"mobilenet(v2)?_\d\.\d+_(\d+|None)|resnet\d+v2|xception|inception_v3|inception_resnet_v2|nasnet(_\w+)?": "-1..1",
    r"vgg1[69]|resnet\d+": "Caffe BGR",
    r"densenet\d+": "ImageNet mean/std",
    r"(?i:mobilenetv3(small|large)|efficientnet(v2-)?\w+|convnext_\w+|regnet[xy]\d+)": "0..255",
}
ASSUMED = 224
FIRST = 8  # operations in which a model may scale its input


def image_input(model: Any) -> InputSpec:
    """Return the model's input; UnsupportedModel if it is not one picture."""
    inputs = model.inputs or []
    if len(inputs) != 1:
        names = ", ".join(str(i.name)[:30] for i in inputs[:4])
        raise UnsupportedModel(f"The model takes {len(inputs)} inputs ({names}); expected one picture.")
    return input_spec(tuple(inputs[0].shape))


@dataclass(frozen=True)
class Cut:
    """A final softmax or sigmoid that was removed; `restore` puts it back."""

    head: Head
    restore: Callable[[], None]


def cut_head(model: Any) -> Cut | None:
    """Remove the model's last softmax or sigmoid, in place; None if it does not end in one."""
    layer = _last_layer(model)
    if isinstance(layer, keras.layers.Softmax) and layer.axis in (-1, 1):
        return Cut("softmax", _swapped(layer, "call", lambda inputs, mask=None: inputs))
    activation = getattr(layer, "activation", None)
    heads: dict[Any, Head] = {keras.activations.softmax: "softmax", keras.activations.sigmoid: "sigmoid"}
    for function, head in heads.items():
        if activation is function:
            return Cut(head, _swapped(layer, "activation", keras.activations.linear))
    return None


def _swapped(layer: Any, name: str, new: Any) -> Callable[[], None]:
    old = getattr(layer, name)
    setattr(layer, name, new)
    return lambda: setattr(layer, name, old)


def _last_layer(model: Any) -> Any:
    layer = model
    while isinstance(layer, keras.Model):
        layer = origin(layer.outputs[0])
        if isinstance(layer, keras.layers.Flatten | keras.layers.Reshape):
            layer = origin(layer.input)
    return layer


def hint(model: Any, spec: InputSpec) -> tuple[Preprocessing | None, str]:
    """Return the preprocessing that the first layers or the model's name suggest, and the reason."""
    known = presets(spec.height or ASSUMED, spec.width or ASSUMED, spec.channels)
    for layer in _first(model):
        if (scale := _wanted_scale(layer)) is not None:
            wanted = known["0..255" if scale == 255 else "0..1"]
            return wanted, f"Its first layers rescale by themselves ({type(layer).__name__})."
    for name in (str(m.name) for m in _models(model)):
        for pattern, preset in APPLICATIONS.items():
            if re.fullmatch(pattern, name) and preset in known:
                return known[preset], f"It is named {name!r}, as in keras.applications."
    return None, ""


def _first(model: Any) -> Iterator[Any]:
    """Yield the first layers, and the functions before the first layer that computes."""
    computed = 0
    for _, operation in islice(named_operations(model), FIRST):
        if is_function(operation) and computed:
            continue
        computed += not is_function(operation) and not isinstance(operation, keras.layers.InputLayer)
        yield operation


def is_function(operation: Any) -> bool:
    """Whether an operation is a function between the layers, such as an addition."""
    return type(operation).__name__ in FUNCTION_LAYERS or not isinstance(operation, keras.layers.Layer)


def _wanted_scale(layer: Any) -> int | None:
    """Return the top of the range that a scaling layer or function expects, 1 or 255; None for others."""
    if is_function(layer):
        return 255 if _scales_pixels(layer) else None
    if isinstance(layer, CaffePixels):
        return 255
    if isinstance(layer, keras.layers.Rescaling):
        return 255 if float(np.max(np.abs(layer.scale))) < 0.1 else 1
    if isinstance(layer, keras.layers.Normalization) and layer.mean is not None:
        return 255 if float(np.max(np.abs(np.asarray(layer.mean)))) > 2 else 1
    return None


def _scales_pixels(function: Any) -> bool:
    """Whether a function divides by, adds or subtracts a number that only values of 0 to 255 need."""
    name = str(function.name).lower()
    node = function._inbound_nodes[0]
    called = node if IS_KERAS_2 else node.arguments
    args, kwargs = (called.call_args, called.call_kwargs) if IS_KERAS_2 else (called.args, called.kwargs)
    numbers = [np.abs(np.asarray(value)).max() for value in (*args, *kwargs.values()) if _is_number(value)]
    if "mul" in name:
        return any(0 < number < 0.1 for number in numbers)
    return bool(re.search("div|sub|add", name)) and any(number > 2 for number in numbers)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or (hasattr(value, "numpy") and not hasattr(value, "_keras_history"))


def named_operations(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a model's layers and functions, each once; those of nested models are named like "inner/conv"."""
    known: set[int] = set()
    for path, operation in _parts(model, prefix):
        if id(operation) not in known:
            known.add(id(operation))
            yield path, operation


def _parts(model: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for operation in getattr(model, "operations", None) or model.layers:
        path = f"{prefix}{operation.name}"
        if isinstance(operation, keras.Model):
            yield from _parts(operation, f"{path}/")
        else:
            yield path, operation


def activations_of(model: Any) -> tuple[str, ...]:
    """Return the names of the nonlinear functions that a model's layers apply, such as "relu" and "silu"."""
    names = {_activation(operation) for _, operation in named_operations(model)}
    return tuple(sorted(names - {"", "linear"}))


def _activation(operation: Any) -> str:
    function = getattr(operation, "activation", None)
    if function is not None:
        return str(getattr(function, "__name__", ""))
    known = re.fullmatch(
        r"(?i)p?relu6?|leakyrelu|[ces]elu|gelu|silu|hardsilu|mish|sigmoid|tanh|softmax", _kind(operation)
    )
    return known[0].lower() if known else ""


def _kind(operation: Any) -> str:
    return type(operation).__name__


def last_with(model: Any, classes: int) -> Any | None:
    """Return the last dense or convolutional layer whose weights end in `classes` outputs; None if there is none."""
    kinds = keras.layers.Dense | keras.layers.Conv2D
    layers = [
        operation
        for _, operation in named_operations(model)
        if isinstance(operation, kinds) and operation.kernel.shape[-1] == classes
    ]
    return layers[-1] if layers else None


def _models(model: Any) -> Iterator[Any]:
    yield model
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _models(layer)
