"""What an opened Keras model says about itself: its input, its last activation, its first layers, its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from xai_core.errors import UnsupportedModel
from xai_core.preprocessing import Preprocessing, presets
from xai_core.types import Head, InputSpec

# The `preprocess_input` of each model in keras.applications, by the name that the model carries.
APPLICATIONS = {
    r"mobilenet(v2)?_\d\.\d+_\d+|resnet\d+v2|xception|inception_v3|inception_resnet_v2|nasnet(_\w+)?": "-1..1",
    r"vgg1[69]|resnet\d+": "Caffe BGR",
    r"densenet\d+": "ImageNet mean/std",
    r"(?i:mobilenetv3(small|large)|efficientnet(v2-)?\w+|convnext_\w+|regnet[xy]\d+)": "0..255",
}
ASSUMED = 224


def image_input(model: Any) -> InputSpec:
    """Return the model's input; UnsupportedModel where it is not one picture."""
    inputs = model.inputs or []
    if len(inputs) != 1:
        names = ", ".join(str(i.name)[:30] for i in inputs[:4])
        raise UnsupportedModel(f"The model takes {len(inputs)} inputs ({names}); expected one picture.")
    sizes = tuple(inputs[0].shape)
    return input_spec(sizes)


def input_spec(sizes: tuple[int | None, ...]) -> InputSpec:
    """Read (batch, height, width, channels) or (batch, channels, height, width); UnsupportedModel for others."""
    shown = "x".join("?" if s is None else str(s) for s in sizes)
    if len(sizes) != 4:
        raise UnsupportedModel(f"The model's input is {shown}; expected batch x height x width x channels.")
    batch, *rest = sizes
    if rest[2] in (1, 3, None):
        return InputSpec(rest[0], rest[1], rest[2] or 3, "NHWC", batch)
    if rest[0] in (1, 3):
        return InputSpec(rest[1], rest[2], rest[0], "NCHW", batch)
    raise UnsupportedModel(f"The model's input is {shown}; expected 1 or 3 channels.")


def check_output(shapes: list[tuple[int | None, ...]]) -> None:
    """Raise UnsupportedModel unless the model gives one score a class."""
    long = [[s for s in shape[1:] if s != 1] for shape in shapes]
    if len(shapes) == 1 and len(shapes[0]) >= 2 and len(long[0]) <= 1:
        return
    shown = ", ".join("x".join("?" if s is None else str(s) for s in shape) for shape in shapes[:3])
    raise UnsupportedModel(
        f"The model gives {len(shapes)} output(s) of {shown}; expected one score a class (batch x classes). "
        "A detector or a segmentation model can not be explained as a classifier; detectors go to the Detection page."
    )


def cut_head(model: Any) -> Head | None:
    """Replace the model's last softmax or sigmoid by nothing, in place; return which it was, if any."""
    layer = _last_layer(model)
    if isinstance(layer, keras.layers.Softmax) and layer.axis in (-1, 1):
        layer.call = lambda inputs, mask=None: inputs
        return "softmax"
    activation = getattr(layer, "activation", None)
    heads: dict[Any, Head] = {keras.activations.softmax: "softmax", keras.activations.sigmoid: "sigmoid"}
    found = next((head for function, head in heads.items() if activation is function), None)
    if found:
        layer.activation = keras.activations.linear
    return found


def _last_layer(model: Any) -> Any:
    layer = model
    while isinstance(layer, keras.Model):
        layer = layer.outputs[0]._keras_history.operation
        if isinstance(layer, keras.layers.Flatten | keras.layers.Reshape):
            layer = layer.input._keras_history.operation
    return layer


def hint(model: Any, spec: InputSpec) -> tuple[Preprocessing | None, str]:
    """Return the preprocessing that the first layers or the model's name speak for, and why."""
    known = presets(spec.height or ASSUMED, spec.width or ASSUMED, spec.channels)
    for layer in list(_layers(model))[:6]:
        if (scale := _wanted_scale(layer)) is not None:
            wanted = known["0..255" if scale == 255 else "0..1"]
            return wanted, f"Its first layers rescale by themselves ({type(layer).__name__})."
    for name in (str(m.name) for m in _models(model)):
        for pattern, preset in APPLICATIONS.items():
            if re.fullmatch(pattern, name) and preset in known:
                return known[preset], f"It is named {name!r}, as in keras.applications."
    return None, ""


def _wanted_scale(layer: Any) -> int | None:
    """Return the top of the range that a scaling layer expects, 1 or 255; None for other layers."""
    if isinstance(layer, keras.layers.Rescaling):
        return 255 if float(np.max(np.abs(layer.scale))) < 0.1 else 1
    if isinstance(layer, keras.layers.Normalization) and layer.mean is not None:
        return 255 if float(np.max(np.abs(np.asarray(layer.mean)))) > 2 else 1
    return None


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer


def _models(model: Any) -> Iterator[Any]:
    yield model
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _models(layer)
