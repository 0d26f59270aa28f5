"""Backward passes through a TensorFlow graph that treat its nonlinearities differently from the gradient.

A graph can override the gradient for each kind of operation as it is added. So a ReLU may be a layer, the activation
of a layer or a function, also in a nested model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from model_adapters.tensorflow.keras_api import swapped
from model_adapters.tensorflow.keras_layers import named_operations
from xai_core.types import Rule

raw = tf.raw_ops
RELUS = ("Relu", "Relu6")
CLOSE = 1e-5  # relative difference of two inputs below which their slope is rounding, and the gradient stands for it
PATH, SHARES = (part / 2 for part in np.polynomial.legendre.leggauss(64))

LOCAL: dict[str, Callable[[Any, Any], Any]] = {
    "Relu": lambda op, coming: raw.ReluGrad(gradients=coming, features=op.outputs[0]),
    "Relu6": lambda op, coming: raw.Relu6Grad(gradients=coming, features=op.outputs[0]),
    "Elu": lambda op, coming: raw.EluGrad(gradients=coming, outputs=op.outputs[0]),
    "Selu": lambda op, coming: raw.SeluGrad(gradients=coming, outputs=op.outputs[0]),
    "LeakyRelu": lambda op, coming: raw.LeakyReluGrad(
        gradients=coming, features=op.inputs[0], alpha=op.get_attr("alpha")
    ),
    "Sigmoid": lambda op, coming: raw.SigmoidGrad(y=op.outputs[0], dy=coming),
    "Tanh": lambda op, coming: raw.TanhGrad(y=op.outputs[0], dy=coming),
    "Softplus": lambda op, coming: raw.SoftplusGrad(gradients=coming, features=op.inputs[0]),
    "Erf": lambda op, coming: coming * tf.exp(-tf.square(op.inputs[0])) * tf.cast(2 / np.pi**0.5, coming.dtype),
}


# Composed of several operations, none of which is a curve by itself. Source: keras.activations.
CURVES: tuple[str, ...] = (
    "silu",
    "swish",
    "gelu",
    "mish",
    "hard_silu",
    "hard_swish",
    "hard_sigmoid",
    "softsign",
    "exponential",
    "celu",
)
CURVES += ("hard_tanh", "tanh_shrink", "soft_shrink", "hard_shrink", "squareplus", "log_sigmoid", "threshold")


@contextmanager
def way_back(rule: Rule, model: Any) -> Iterator[None]:
    """While operations are added to the graph inside, let their gradients follow a rule.

    deconvnet, guided: at each ReLU, including those capped at 6. rescale: at every activation, window maximum, softmax
    of scores and product of two values; it needs the inputs followed by their references as one batch. Only
    `tf.gradients` follows the rule.
    """
    kinds = {"gradient": (), "rescale": (*LOCAL, "MaxPool", "Softmax", "Mul")}.get(rule, RELUS)
    graph: Any = tf.compat.v1.get_default_graph()
    curves = _curves(model) if rule == "rescale" else []
    with graph.gradient_override_map({kind: _registered(rule, kind) for kind in kinds}), swapped(curves):
        yield


def _curves(model: Any) -> list[tuple[Any, str, Any]]:
    """Return a model's activations that consist of several operations, each with its rescale-rule replacement."""
    replacements = []
    for _, operation in named_operations(model):
        function: Any = getattr(operation, "activation", None)
        if getattr(function, "__name__", "") in CURVES:
            replacements.append((operation, "activation", _rescaled(function)))
        elif type(operation).__name__.lower() in {name.replace("_", "") for name in CURVES}:
            replacements.append((operation, "call", _rescaled(operation.call)))
    return replacements


def _rescaled(curve: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def with_slope(x: Any) -> Any:
        y = curve(x)

        def back(coming: Any) -> Any:
            (gradient,) = tf.gradients(y, x, coming)
            (first, first0), (second, second0) = _halves(x), _halves(y)
            return _inputs_only(_slope(first, first0, _first(coming) * (second - second0), _first(gradient)))

        return y, back

    wrapped: Callable[[Any], Any] = tf.custom_gradient(with_slope)
    return wrapped


def _registered(rule: str, kind: str) -> str:
    special = {"MaxPool": "Maximum", "Softmax": "Softmax", "Mul": "Product"}
    return f"Vitrine{special.get(kind, rule.capitalize())}"


def _deconvnet(op: Any, coming: Any) -> Any:
    return tf.nn.relu(coming)


def _guided(op: Any, coming: Any) -> Any:
    return LOCAL[op.type](op, tf.nn.relu(coming))


def _rescale(op: Any, coming: Any) -> Any:
    x, x0 = _halves(op.inputs[0])
    y, y0 = _halves(op.outputs[0])
    return _inputs_only(_slope(x, x0, _first(coming) * (y - y0), _first(LOCAL[op.type](op, coming))))


def _maximum(op: Any, coming: Any) -> Any:
    """A window's maximum moves from the reference's up to the higher of both, then down to the input's.

    The first part is assigned to the position of the input's maximum, the second to that of the reference's.
    """
    x, x0 = _halves(op.inputs[0])
    y, y0 = _halves(op.outputs[0])
    settings = {name: op.get_attr(name) for name in ("ksize", "strides", "padding", "data_format")}

    def pulled(values: Any, maxima: Any, moved: Any) -> Any:
        return raw.MaxPoolGrad(orig_input=values, orig_output=maxima, grad=moved, **settings)

    peak, wanted = tf.maximum(y, y0), _first(coming)
    moved = pulled(x, y, wanted * (peak - y0)) + pulled(x0, y0, wanted * (y - peak))
    return _inputs_only(_slope(x, x0, moved, pulled(x, y, wanted)))


def _softmax(op: Any, coming: Any) -> Any:
    """Use the mean gradient along the straight path, since a softmax has no elementwise slope."""
    if op.inputs[0].shape.rank != 2:
        return _softmax_gradient(op.outputs[0], coming)
    x, x0 = _halves(op.inputs[0])
    at, shares = (np.reshape(part, (-1, 1, 1)).astype(np.float32) for part in (PATH + 0.5, SHARES))
    points = tf.nn.softmax(x0 + tf.constant(at) * (x - x0))
    return _inputs_only(tf.reduce_sum(tf.constant(shares) * _softmax_gradient(points, _first(coming)), axis=0))


def _product(op: Any, coming: Any) -> tuple[Any, Any]:
    """Share by the mean over both orders of changing the factors, as in Shapley values."""
    a, b = op.inputs
    if _is_batch(a) and _is_batch(b) and a.shape.rank == b.shape.rank:
        a, b = (_mean_of_halves(factor) for factor in (a, b))
    shapes = tf.shape(op.inputs[0]), tf.shape(op.inputs[1])
    over = raw.BroadcastGradientArgs(s0=shapes[0], s1=shapes[1])
    sums = (tf.reduce_sum(coming * partner, axes) for partner, axes in zip((b, a), over, strict=True))
    first, second = (tf.reshape(value, shape) for value, shape in zip(sums, shapes, strict=True))
    return first, second


def _softmax_gradient(shares: Any, coming: Any) -> Any:
    return shares * (coming - tf.reduce_sum(coming * shares, axis=-1, keepdims=True))


def _slope(x: Any, x0: Any, moved: Any, gradient: Any) -> Any:
    way = x - x0
    close = tf.abs(way) <= CLOSE * (tf.abs(x) + tf.abs(x0))
    return tf.where(close, gradient, moved / tf.where(close, tf.ones_like(way), way))


def _halves(batch: Any) -> tuple[Any, Any]:
    inputs, references = tf.split(batch, 2)
    return inputs, references


def _first(batch: Any) -> Any:
    return _halves(batch)[0]


def _inputs_only(gradient: Any) -> Any:
    return tf.concat([gradient, tf.zeros_like(gradient)], 0)


def _mean_of_halves(batch: Any) -> Any:
    inputs, references = _halves(batch)
    return tf.tile((inputs + references) / 2, [2] + [1] * (batch.shape.rank - 1))


def _is_batch(tensor: Any) -> bool:
    return tensor.shape.rank is not None and tensor.shape.rank > 1 and tensor.shape[0] is None


for name, gradient in {
    "Deconvnet": _deconvnet,
    "Guided": _guided,
    "Rescale": _rescale,
    "Maximum": _maximum,
    "Softmax": _softmax,
    "Product": _product,
}.items():
    tf.RegisterGradient(f"Vitrine{name}")(gradient)
