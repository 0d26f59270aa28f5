"""The rules by which a layer of a PyTorch network distributes relevance among its inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from xai_core.types import Propagation

STABILISER = 1e-6
Term = tuple[Any, Any, Any]
Split = Callable[[Any], Any]


@dataclass(frozen=True)
class Linear:
    """A layer that is linear in x: `apply(x, weight, bias)`, where the bias may be None.

    dense: whether each output depends on all of x; such layers always follow the epsilon rule.
    """

    apply: Callable[[Any, Any, Any], Any]
    x: Any
    weight: Any
    bias: Any
    dense: bool

    def scaled(self, scale: Any, shift: Any) -> Linear:
        """Return this layer and a following `scale * z + shift`, one value per channel, as one layer."""
        weight = self.weight * scale.reshape(-1, *[1] * (self.weight.dim() - 1))
        return Linear(self.apply, self.x, weight, shift if self.bias is None else self.bias * scale + shift, self.dense)

    def shared(self, coming: Any, propagation: Propagation) -> Any:
        """Return the relevance of x, of the same shape, for the relevance `coming` to the output."""
        if self.dense or propagation.rule == "epsilon":
            least = propagation.epsilon if propagation.rule == "epsilon" else STABILISER
            return self._shares([(self.x, self.weight, self.bias)], coming, least)
        if propagation.rule == "gamma":
            return self._by_gamma(coming, propagation.gamma)
        ups = self._shares(self._terms(_positive, _negative), coming)
        downs = self._shares(self._terms(_negative, _positive), coming)
        return propagation.alpha * ups - (propagation.alpha - 1) * downs

    def _by_gamma(self, coming: Any, gamma: float) -> Any:
        """Favour what raises a positive output, and what lowers a negative one."""

        def up(part: Any) -> Any:
            return part + gamma * _positive(part)

        def down(part: Any) -> Any:
            return part + gamma * _negative(part)

        output = self.apply(self.x, self.weight, self.bias)
        ups = self._shares(self._terms(up, down), coming * (output > 0))
        return ups + self._shares(self._terms(down, up), coming * (output < 0))

    def _terms(self, split: Split, opposite: Split) -> list[Term]:
        """Return positive x with the weights that `split` makes, and negative x with those of `opposite`."""
        first = (_positive(self.x), split(self.weight), None if self.bias is None else split(self.bias))
        if not (self.x < 0).any():
            return [first]
        return [first, (_negative(self.x), opposite(self.weight), None)]

    def _shares(self, terms: list[Term], coming: Any, least: float = STABILISER) -> Any:
        """Distribute `coming` in proportion to the terms of the sum of `apply(*term)`."""
        with torch.enable_grad():
            leaves = [x.detach().requires_grad_() for x, _, _ in terms]
            total = sum(self.apply(leaf, w, b) for leaf, (_, w, b) in zip(leaves, terms, strict=True))
            parts = torch.autograd.grad(total, leaves, coming / stabilised(total.detach(), least))
        return sum(leaf.detach() * part for leaf, part in zip(leaves, parts, strict=True))


def stabilised(values: Any, least: float = STABILISER) -> Any:
    """Return values moved away from zero by `least`."""
    return values + torch.where(values < 0, -least, least)


def _positive(values: Any) -> Any:
    return values.clamp(min=0)


def _negative(values: Any) -> Any:
    return values.clamp(max=0)
