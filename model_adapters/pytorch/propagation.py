"""Layer-wise relevance propagation through PyTorch networks.

Every function that the network calls is followed, not its modules: so additions, reused layers and exported graphs
take part, and the network itself is never changed. Source: Montavon and others, Layer-Wise Relevance Propagation: An
Overview, 2019.
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
    """While a network runs, lets each function hand back relevance where it would hand back a gradient.

    UnsupportedModel where a function has no rule.
    """

    def __init__(self, propagation: Propagation) -> None:
        super().__init__()
        self._propagation = propagation

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = call_of(func, args, kwargs)
        if not torch.is_grad_enabled() or not any(tensor.requires_grad for tensor in call.tensors):
            return func(*args, **(kwargs or {}))
        if (rule := self._rule(call)) is not None:
            found = rule(call)
            return _written(call.values[0], found) if call.in_place else found
        found = func(*args, **(kwargs or {}))
        if call.name not in MOVES and any(part.requires_grad for part in _tensors(found)):
            raise UnsupportedModel(_lacking(call.name))
        return found

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
        found = self._through(layer, x)
        if call.name not in ("conv_transpose2d", "matmul", "mm"):
            found.layer, found.entering = layer, x  # for a batch normalisation that follows
        return found

    def _batch_norm(self, call: Call) -> Any:
        """Batch normalisation becomes a part of the layer before it; where there is none, relevance passes it."""
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


def _written(tensor: Any, found: Any) -> Any:
    """Write what was found over a tensor, which is then no longer what a layer or a gate gave."""
    tensor.copy_(found)
    tensor.layer, tensor.gate = None, getattr(found, "gate", False)
    return tensor


def _tensors(found: Any) -> list[Any]:
    """Return the tensors in what a function returned."""
    parts = found if isinstance(found, list | tuple) else [found]
    return [part for part in parts if isinstance(part, torch.Tensor)]


def _lacking(name: str) -> str:
    what = NAMES.get(name, f"the function {name[:40]}")
    return f"relevance has no rule for {what}, which this network uses. Choose a gradient or CAM method."


def _kept(call: Call) -> Any:
    """A function of a single number hands on what comes."""
    found = replaced(call.pure, lambda coming: (coming,), call.values[0])
    found.gate = call.name in GATES
    return found


def _mean(call: Call) -> Any:
    """A mean hands on in proportion to its parts."""
    x = call.values[0].detach()

    def back(coming: Any) -> tuple[Any, ...]:
        with torch.enable_grad():
            leaf = x.requires_grad_()
            total = call.pure(leaf)
            (part,) = torch.autograd.grad(total, leaf, coming / stabilised(total.detach()))
        return (x.detach() * part,)

    return replaced(call.pure, back, call.values[0])


def _sum(call: Call) -> Any:
    """A sum of two hands on in proportion to them."""
    both = call.values[:2]
    factor = call.options.get("alpha", 1)
    signs = {"add": (1, factor), "sub": (1, -factor), "rsub": (-factor, 1)}[call.name]
    parts = [sign * _detached(one) for one, sign in zip(both, signs, strict=True)]
    moved = [one for one in both if isinstance(one, torch.Tensor)]

    def back(coming: Any) -> tuple[Any, ...]:
        share = coming / stabilised(parts[0] + parts[1])
        return tuple((p * share).sum_to_size(p.shape) for p in parts if isinstance(p, torch.Tensor))

    return _of_tensors(call, moved, back)


def _product(call: Call) -> Any:
    """A product hands on to the signal; a gate, which is smaller or comes out of a sigmoid, counts as a constant."""
    both = call.values[:2]
    moved = [one for one in both if isinstance(one, torch.Tensor)]
    carrying = [one for one in moved if one.requires_grad]
    size = max(one.numel() for one in carrying)
    signals = [one for one in carrying if one.numel() == size]
    if call.name == "div" and both[0] is carrying[0]:
        signals = carrying[:1]
    elif plain := [one for one in signals if not getattr(one, "gate", False)]:
        signals = plain

    def back(coming: Any) -> tuple[Any, ...]:
        chosen = [any(one is signal for signal in signals) for one in moved]
        parts = zip(moved, chosen, strict=True)
        return tuple((coming / sum(chosen)).sum_to_size(one.shape) if is_signal else None for one, is_signal in parts)

    return _of_tensors(call, moved, back)


def _of_tensors(call: Call, moved: list[Any], back: Callable[[Any], tuple[Any, ...]]) -> Any:
    """Return what a call of two gives; those that are no tensors, or ask for no gradient, keep their place."""

    def value(*tensors: Any) -> Any:
        given = iter(tensors)
        return call.pure(*(next(given) if isinstance(one, torch.Tensor) else one for one in call.values[:2]))

    return replaced(value, back, *moved)


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value
