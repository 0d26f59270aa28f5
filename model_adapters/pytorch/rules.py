"""Backward passes through a PyTorch network that treat its ReLUs differently from the gradient.

This intercepts autograd rather than modules, so a ReLU may be a module or a function, reused or in place, in an
exported graph or in TorchScript.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from model_adapters.pytorch.calls import call_of
from model_adapters.pytorch.rescale import Replay, recorded
from xai_core.types import Rule

RELU = "ReLU"
ACTIVATIONS = {
    "relu": RELU,
    "silu": "SiLU",
    "gelu": "GELU",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "celu": "CELU",
    "mish": "Mish",
    "softplus": "Softplus",
    "_prelu_kernel": "PReLU",
}
CLAMPS = ("clamp", "clamp_min", "hardtanh")
Way = AbstractContextManager[Any]


def way_back(rule: Rule, ask_reference: Callable[[], Any]) -> tuple[Way, Way]:
    """Return the contexts for the forward and the backward pass in which the gradient follows a rule.

    ask_reference: runs the network on the references; called immediately, and for the rule "rescale" only.
    """
    if rule == "gradient":
        return nullcontext(), nullcontext()
    if rule == "rescale":
        return Replay(recorded(ask_reference)), nullcontext()
    return _ClampsAsRelus(), _PositivePart(closed_too=rule == "deconvnet")


class _ClampsAsRelus(TorchFunctionMode):  # type: ignore[misc]
    """Turns a clamp at zero into the equivalent ReLU, so that autograd records it as one."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = call_of(func, args, kwargs)
        if call.name not in ("clamp", "clamp_min") or not _is_relu(call.values, call.options):
            return func(*args, **(kwargs or {}))
        top = _bounds(call.values, call.options)[1]
        clamped = torch.relu(call.values[0]) if top is None else torch.nn.functional.hardtanh(call.values[0], 0.0, top)
        return call.values[0].copy_(clamped) if call.in_place else clamped


class _Watch(TorchDispatchMode):  # type: ignore[misc]
    """Sees what autograd itself calls; without PyTorch's compiler, which takes seconds and 200 MB to load."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class _PositivePart(_Watch):
    """While gradients are computed, lets only positive ones pass a ReLU, also where it was closed if `closed_too`."""

    def __init__(self, closed_too: bool) -> None:
        super().__init__()
        self._closed_too = closed_too

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        opens_at = {"aten::threshold_backward": 2, "aten::hardtanh_backward": 2}.get(name)
        if opens_at is None or args[opens_at] != 0:
            return func(*args, **(kwargs or {}))
        return (args[0] if self._closed_too else func(*args, **(kwargs or {}))).clamp(min=0)


@dataclass(frozen=True)
class Activations:
    """How many activations of each kind a network applies to a batch, by name, the most common first."""

    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def relus(self) -> int:
        return self.counts.get(RELU, 0)

    @property
    def others(self) -> str:
        """The names of those that are not ReLUs, such as "SiLU and Sigmoid"."""
        names = [name for name in self.counts if name != RELU]
        return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))

    @property
    def reason(self) -> str:
        """Why rules for ReLUs have nothing to act on, as a sentence; "" if they have."""
        if self.relus:
            return ""
        instead = f"; its activations are {self.others}" if self.others else ""
        return f"this network has no ReLU{instead}. Choose the plain gradient, or Integrated Gradients."

    @property
    def note(self) -> str:
        """A note for users if only some activations are ReLUs; "" if all are."""
        total = sum(self.counts.values())
        if self.relus in (0, total):
            return ""
        return (
            f"Deconvnet and guided backprop follow their rule at {self.relus} of {total} activations, the ReLUs; "
            f"{self.others} pass the plain gradient."
        )


def activations_of(run: Callable[[], Any]) -> Activations:
    """Return the activations that a network applies while `run` runs it."""
    census = _Census()
    with census:
        run()
    return Activations(dict(census.counts.most_common()))


class _Census(_Watch):
    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.rpartition("::")[2].removesuffix("_")
        if name in ACTIVATIONS:
            self.counts[ACTIVATIONS[name]] += 1
        elif name in CLAMPS and _is_relu(args, kwargs or {}):
            self.counts[RELU] += 1
        return func(*args, **(kwargs or {}))


def _is_relu(values: tuple[Any, ...], options: Mapping[str, Any]) -> bool:
    """Whether a clamp starts at 0, with or without an upper bound."""
    low, top = _bounds(values, options)
    return isinstance(low, int | float) and low == 0 and (top is None or isinstance(top, int | float))


def _bounds(values: tuple[Any, ...], options: Mapping[str, Any]) -> tuple[Any, Any]:
    low, top = (*values[1:3], None, None)[:2]
    return options.get("min", low), options.get("max", top)
