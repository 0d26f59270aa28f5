"""Intercept calls of PyTorch functions while a network runs, under any of their many names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

Back = Callable[[Any], tuple[Any, ...]]
POOLS = {
    functional.max_pool1d: "max_pool1d",
    functional.max_pool2d: "max_pool2d",
    functional.max_pool3d: "max_pool3d",
    functional.adaptive_max_pool1d: "adaptive_max_pool1d",
    functional.adaptive_max_pool2d: "adaptive_max_pool2d",
}
OPERATORS = {
    "__add__": "add",
    "__radd__": "add",
    "__iadd__": "add_",
    "__sub__": "sub",
    "__isub__": "sub_",
    "__rsub__": "rsub",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__imul__": "mul_",
    "__truediv__": "div",
    "__itruediv__": "div_",
    "__matmul__": "matmul",
    "__pow__": "pow",
    "multiply": "mul",
    "multiply_": "mul_",
    "true_divide": "div",
    "subtract": "sub",
    "clip": "clamp",
    "clip_": "clamp_",
}


SWITCHED = {
    "relu",
    "relu6",
    "hardtanh",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "silu",
    "hardswish",
    "hardsigmoid",
    "mish",
}


@dataclass(frozen=True)
class Call:
    """A call of a `function`.

    name: as in torch.ops.aten, without the underscore of in-place functions. values: the first tensor and the
    arguments after it, without the in-place flag.
    """

    function: Any
    name: str
    values: tuple[Any, ...]
    options: Mapping[str, Any]
    in_place: bool

    @property
    def tensors(self) -> tuple[Any, ...]:
        """The leading arguments that are floating-point tensors."""
        return tuple(v for v in self.values if isinstance(v, torch.Tensor) and v.is_floating_point())

    def pure(self, *tensors: Any) -> Any:
        """Return the result of the call for other leading tensors, without working in place."""
        function = getattr(torch.ops.aten, self.name) if self.in_place else self.function
        return function(*tensors, *self.values[len(tensors) :], **self.options)


def call_of(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> Call:
    """Return a call seen by a TorchFunctionMode in a uniform spelling."""
    options = dict(kwargs or {})
    name = _name(function)
    if "input" in options:
        args = (options.pop("input"), *args)
    switched = _is_functional(function) and name in SWITCHED and args[-1] is True
    written_over = name.endswith("_") and not name.startswith("__")
    in_place = written_over or bool(options.pop("inplace", False)) or switched
    return Call(
        function, name.removesuffix("_") if written_over else name, args[:-1] if switched else args, options, in_place
    )


def _is_functional(function: Any) -> bool:
    return getattr(function, "__module__", "") == functional.__name__


def _name(function: Any) -> str:
    if isinstance(function, torch._ops.OpOverload):
        return str(function._schema.name).rpartition("::")[2]
    name = str(POOLS.get(function) or getattr(function, "__name__", ""))
    return OPERATORS.get(name, name)


def replaced(value: Callable[..., Any], back: Back, *tensors: Any) -> Any:
    """Return `value(*tensors)` with `back` as its backward pass: from the incoming gradient to one for each tensor."""
    return _Replaced.apply(back, value, *tensors)


class _Replaced(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, back: Back, value: Callable[..., Any], *tensors: Any) -> Any:
        ctx.back = back
        return value(*tensors)

    @staticmethod
    def backward(ctx: Any, coming: Any) -> Any:
        return None, None, *ctx.back(coming)
