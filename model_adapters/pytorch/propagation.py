"""Layer-wise relevance propagation through PyTorch networks.

This follows every function that the network calls rather than its modules, so that additions, reused layers and
exported graphs take part, and the network itself is never changed. Source: Montavon and others, Layer-Wise Relevance
Propagation: An Overview, 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from model_adapters.pytorch.answers import gradient
from model_adapters.pytorch.calls import Call, call_of, replaced
from model_adapters.pytorch.relevance import Linear, stabilised
from model_adapters.pytorch.rescale import CURVES, MAXIMA
from xai_core.errors import UnsupportedModel
from xai_core.types import Propagation

CONVOLUTIONS = {"conv1d", "conv2d", "conv3d", "conv_transpose2d"}
DENSE = {"linear", "matmul", "mm"}
MEANS = {"avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "mean", "sum", "interpolate"}
KEPT = CURVES | {"neg", "local_response_norm"}
GATES = {"sigmoid", "hardsigmoid", "hardtanh", "relu6", "clamp", "tanh"}
MOVES = MAXIMA | {"__get__", "__getitem__", "dropout", "dropout2d", "clone", "contiguous", "detach", "to", "float"}
MOVES |= {"view", "reshape", "flatten", "unflatten", "permute", "transpose", "t", "squeeze", "unsqueeze", "pad"}
MOVES |= {"chunk", "split", "unbind", "select", "narrow", "expand", "expand_as", "repeat", "roll", "index_select"}
MOVES |= {"max", "topk", "sort"}
MOVES |= {"pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "swapaxes", "movedim", "flip"}
NAMES = {
    "layer_norm": "layer normalisation",
    "group_norm": "group normalisation",
    "scaled_dot_product_attention": "attention",
    "multi_head_attention_forward": "attention",
    "gru": "recurrent layers",
    "lstm": "recurrent layers",
    "matmul": "products of values with each other",
}
CHANGED = (
    "this network modifies a layer's input in place, so relevance cannot be distributed there. "
    "Choose a gradient or CAM method."
)
Plain = Callable[[Any], Any]


def relevance(ask: Plain, tensor: Any, targets: Any, propagation: Propagation) -> Any:
    """Return the relevance of a tensor (N, C, H, W) for the scores [n, targets[n]] of `ask`, which returns (N, K)."""
    with torch.enable_grad():
        leaf = tensor.detach().requires_grad_()
        with Following(propagation):
            scores = ask(leaf.clone())
        chosen = scores.gather(1, targets[:, None])
        return gradient((chosen * chosen.detach()).sum(), leaf)


class Following(TorchFunctionMode):  # type: ignore[misc]
    """While a network runs, makes each function pass back relevance instead of a gradient.

    UnsupportedModel if a function has no rule.
    """

    def __init__(self, propagation: Propagation) -> None:
        super().__init__()
        self._propagation = propagation

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = call_of(func, args, kwargs)
        if not torch.is_grad_enabled() or not any(tensor.requires_grad for tensor in call.tensors):
            return func(*args, **(kwargs or {}))
        if (rule := self._rule(call)) is not None:
            output = rule(call)
            return _written(call.values[0], output) if call.in_place else output
        output = func(*args, **(kwargs or {}))
        if call.name not in MOVES and any(part.requires_grad for part in _tensors(output)):
            raise UnsupportedModel(_lacking(call.name))
        return output

    def _rule(self, call: Call) -> Callable[[Call], Any] | None:
        name = call.name
        if name in CONVOLUTIONS or (name in DENSE and not call.tensors[1].requires_grad):
            return self._linear
        if name == "batch_norm":
            return self._batch_norm
        if name in ("mul", "div"):
            return _product
        if name in ("add", "sub", "rsub"):
            return _sum
        return _mean if name in MEANS else _kept if name in KEPT else None

    def _linear(self, call: Call) -> Any:
        x, weight, *rest = call.values
        bias = call.options.get("bias", rest[0] if rest else None)
        others = {name: value for name, value in call.options.items() if name != "bias"}
        dense = call.name in DENSE

        def apply(x: Any, weight: Any, bias: Any) -> Any:
            if call.name in ("matmul", "mm"):
                return call.function(x, weight)
            return call.function(x, weight, bias, *rest[1:], **others)

        layer = Linear(apply, x.detach(), weight, bias, dense)
        output = self._through(layer, x)
        if call.name not in ("conv_transpose2d", "matmul", "mm"):
            output.layer, output.entering = layer, x  # for a batch normalisation that follows
        return output

    def _batch_norm(self, call: Call) -> Any:
        """Merge batch normalisation into the layer before it; without one, relevance passes through."""
        x = call.values[0]
        layer = getattr(x, "layer", None)
        if layer is None:
            return _kept(call)
        ones = torch.ones(1, x.shape[1], *[1] * (x.dim() - 2), device=x.device, dtype=x.dtype)
        shift = call.pure(0 * ones)
        return self._through(layer.scaled((call.pure(ones) - shift).flatten(), shift.flatten()), x.entering)

    def _through(self, layer: Linear, x: Any) -> Any:
        def value(x: Any) -> Any:
            return layer.apply(x, layer.weight, layer.bias)

        version = layer.x._version

        def back(coming: Any) -> tuple[Any, ...]:
            if layer.x._version != version:
                raise UnsupportedModel(CHANGED)
            return (layer.shared(coming, self._propagation),)

        return replaced(value, back, x)


def _written(tensor: Any, output: Any) -> Any:
    """Overwrite a tensor in place, which then no longer counts as a layer's or a gate's output."""
    tensor.copy_(output)
    tensor.layer, tensor.gate = None, getattr(output, "gate", False)
    return tensor


def _tensors(output: Any) -> list[Any]:
    """Return the tensors in what a function returned."""
    parts = output if isinstance(output, list | tuple) else [output]
    return [part for part in parts if isinstance(part, torch.Tensor)]


def _lacking(name: str) -> str:
    part = NAMES.get(name, f"the function {name[:40]}")
    return f"relevance has no rule for {part}, which this network uses. Choose a gradient or CAM method."


def _kept(call: Call) -> Any:
    """Pass relevance through an elementwise function unchanged."""
    output = replaced(call.pure, lambda coming: (coming,), call.values[0])
    output.gate = call.name in GATES
    return output


def _mean(call: Call) -> Any:
    """Share a mean's relevance in proportion to its parts."""
    x = call.values[0].detach()

    def back(coming: Any) -> tuple[Any, ...]:
        with torch.enable_grad():
            leaf = x.requires_grad_()
            total = call.pure(leaf)
            (part,) = torch.autograd.grad(total, leaf, coming / stabilised(total.detach()))
        return (x.detach() * part,)

    return replaced(call.pure, back, call.values[0])


def _sum(call: Call) -> Any:
    """Share the relevance of a sum in proportion to its two terms."""
    both = call.values[:2]
    factor = call.options.get("alpha", 1)
    signs = {"add": (1, factor), "sub": (1, -factor), "rsub": (-factor, 1)}[call.name]
    parts = [sign * _detached(term) for term, sign in zip(both, signs, strict=True)]
    moved = [term for term in both if isinstance(term, torch.Tensor)]

    def back(coming: Any) -> tuple[Any, ...]:
        share = coming / stabilised(parts[0] + parts[1])
        return tuple((p * share).sum_to_size(p.shape) for p in parts if isinstance(p, torch.Tensor))

    return _of_tensors(call, moved, back)


def _product(call: Call) -> Any:
    """Pass a product's relevance to the signal; a gate, smaller or out of a sigmoid, counts as constant."""
    both = call.values[:2]
    moved = [factor for factor in both if isinstance(factor, torch.Tensor)]
    carrying = [factor for factor in moved if factor.requires_grad]
    size = max(factor.numel() for factor in carrying)
    signals = [factor for factor in carrying if factor.numel() == size]
    if call.name == "div" and both[0] is carrying[0]:
        signals = carrying[:1]
    elif plain := [factor for factor in signals if not getattr(factor, "gate", False)]:
        signals = plain

    def back(coming: Any) -> tuple[Any, ...]:
        chosen = [any(factor is signal for signal in signals) for factor in moved]
        parts = zip(moved, chosen, strict=True)
        return tuple(
            (coming / sum(chosen)).sum_to_size(factor.shape) if is_signal else None for factor, is_signal in parts
        )

    return _of_tensors(call, moved, back)


def _of_tensors(call: Call, moved: list[Any], back: Callable[[Any], tuple[Any, ...]]) -> Any:
    """Return the result of a call with two operands; those that are not tensors are passed on as they are."""

    def value(*tensors: Any) -> Any:
        remaining = iter(tensors)
        return call.pure(
            *(next(remaining) if isinstance(argument, torch.Tensor) else argument for argument in call.values[:2])
        )

    return replaced(value, back, *moved)


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value
