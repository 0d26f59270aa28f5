"""DeepLIFT's rescale rule for PyTorch networks.

The network first runs on the references, and the input of each nonlinearity is recorded. It then runs on the inputs,
where each nonlinearity gets the slope between the two instead of its gradient. Source: Shrikumar, Greenside, Kundaje,
2017.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from model_adapters.pytorch.calls import Back, Call, call_of, replaced
from xai_core.errors import ModelError

RECTIFIERS = {"relu", "relu6", "hardtanh", "leaky_relu", "elu", "selu", "celu", "prelu"}
SMOOTH = {"sigmoid", "tanh", "silu", "gelu", "hardswish", "hardsigmoid", "mish", "softplus"}
PLAIN = {"clamp", "clamp_min", "clamp_max", "erf", "exp", "log", "sqrt", "rsqrt", "abs", "square", "reciprocal", "pow"}
CURVES = RECTIFIERS | SMOOTH | PLAIN  # functions of a single number
MAXIMA = {"max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d"}
CLOSE = 1e-5  # relative difference of two inputs below which their slope is rounding, and the gradient stands for it
PATH, SHARES = (part / 2 for part in np.polynomial.legendre.leggauss(64))
WAYS = "This network takes a different path for the baseline than for the picture, so the two cannot be compared."

Entering = tuple[str, tuple[Any, ...]]


def recorded(ask_reference: Callable[[], Any]) -> list[Entering]:
    """Return the input of each nonlinearity, in order, while `ask_reference` runs the network."""
    recording = _Recording()
    with torch.no_grad(), recording:
        ask_reference()
    return recording.met


class _Recording(TorchFunctionMode):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.met: list[Entering] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = call_of(func, args, kwargs)
        if rule := _rule(call):
            entering = call.tensors[: 2 if rule is _product else 1]
            self.met.append((call.name, tuple(tensor.detach().clone() for tensor in entering)))
        return func(*args, **(kwargs or {}))


class Replay(TorchFunctionMode):  # type: ignore[misc]
    """While a network runs on inputs, gives each nonlinearity its slope towards the recorded references."""

    def __init__(self, met: list[Entering]) -> None:
        super().__init__()
        self._left = iter(met)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = call_of(func, args, kwargs)
        rule = _rule(call)
        if rule is None:
            return func(*args, **(kwargs or {}))
        name, references = next(self._left, ("", ()))
        tensors = call.tensors[: len(references)]
        if name != call.name or any(a.shape != b.shape for a, b in zip(tensors, references, strict=True)):
            raise ModelError(WAYS)
        if not torch.is_grad_enabled() or not any(tensor.requires_grad for tensor in tensors):
            return func(*args, **(kwargs or {}))
        kept = [tensor.detach().clone() if call.in_place else tensor.detach() for tensor in tensors]
        back = rule(call, kept, references)
        output = replaced(call.pure, back, *tensors)
        return args[0].copy_(output) if call.in_place else output


def _rule(call: Call) -> Callable[..., Back] | None:
    if call.name in CURVES and len(call.tensors) == 1 + (call.name == "prelu"):
        return _curve
    if call.name in MAXIMA and not call.options.get("return_indices"):
        return _maximum
    if call.name == "softmax" and call.tensors[0].dim() == 2:
        return _softmax
    return _product if call.name == "mul" and len(call.tensors) == 2 else None


def _curve(call: Call, inputs: list[Any], references: tuple[Any, ...]) -> Back:
    (x,), (x0,) = inputs, references
    way = x - x0
    close = way.abs() <= CLOSE * (x.abs() + x0.abs())
    slope = (call.pure(x) - call.pure(x0)) / way
    if close.any():
        slope = torch.where(close, _pulled(call, x, torch.ones_like(x)), slope)
    return lambda coming: (coming * slope,)


def _maximum(call: Call, inputs: list[Any], references: tuple[Any, ...]) -> Back:
    """A window's maximum moves from the reference's up to the higher of both, then down to the input's.

    The first part is assigned to the position of the input's maximum, the second to that of the reference's.
    """
    (x,), (x0,) = inputs, references
    y, y0 = call.pure(x), call.pure(x0)
    way, peak = x - x0, torch.maximum(y, y0)

    def back(coming: Any) -> tuple[Any, ...]:
        moved = _pulled(call, x, coming * (peak - y0)) + _pulled(call, x0, coming * (y - peak))
        close = way.abs() <= CLOSE * (x.abs() + x0.abs())
        return (torch.where(close, _pulled(call, x, coming), moved / way),)

    return back


def _product(call: Call, inputs: list[Any], references: tuple[Any, ...]) -> Back:
    """Share by the mean over both orders of changing the factors, as in Shapley values."""
    (a, b), (a0, b0) = inputs, references

    def back(coming: Any) -> tuple[Any, ...]:
        return (coming * (b + b0) / 2).sum_to_size(a.shape), (coming * (a + a0) / 2).sum_to_size(b.shape)

    return back


def _softmax(call: Call, inputs: list[Any], references: tuple[Any, ...]) -> Back:
    """Use the mean gradient along the straight path, since a softmax has no elementwise slope."""
    (x,), (x0,) = inputs, references

    def back(coming: Any) -> tuple[Any, ...]:
        points = ((x0 + (at + 0.5) * (x - x0), share) for at, share in zip(PATH, SHARES, strict=True))
        return (sum(share * _pulled(call, point, coming) for point, share in points),)

    return back


def _pulled(call: Call, at: Any, coming: Any) -> Any:
    """Return the plain gradient of a call at a tensor, given the incoming gradient."""
    with torch.enable_grad():
        leaf = at.detach().requires_grad_()
        (slope,) = torch.autograd.grad(call.pure(leaf), leaf, coming)
    return slope
