"""Capture attention weights while a PyTorch network runs, in whatever way it computes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

SOFTMAXES = (torch.softmax, torch.Tensor.softmax, functional.softmax, torch.ops.aten.softmax.int)
ATTENTIONS = (functional.scaled_dot_product_attention, torch.ops.aten.scaled_dot_product_attention.default)


class Attention(TorchFunctionMode):  # type: ignore[misc]
    """While active, keeps the weights of every self-attention, and computes it without fused kernels.

    weights: (N, heads, tokens, tokens) or (N * heads, tokens, tokens), as computed, in the order of the pass. If
    gradients are on, all of them have one. across: how many attentions related different numbers of tokens.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[Any] = []
        self.across = 0

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if function in ATTENTIONS:
            return self._attended(*args, **options)
        if function is functional.multi_head_attention_forward:
            return self._inside(function, args, options)
        if function in SOFTMAXES:
            return self._softmax(function, *args, **options)
        return function(*args, **options)

    def _inside(self, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call a PyTorch function written in Python, inside which a function mode sees no calls."""
        softmax = functional.softmax

        def heard(*args: Any, **kwargs: Any) -> Any:
            return self._softmax(softmax, *args, **kwargs)

        attended = patch.object(functional, "scaled_dot_product_attention", self._attended)
        with attended, patch.object(functional, "softmax", heard):
            return function(*args, **options)

    def _softmax(self, function: Any, *args: Any, **options: Any) -> Any:
        weights = function(*args, **options)
        dim = options.get("dim", args[1] if len(args) > 1 else None)
        return self._kept(weights) if dim in (-1, weights.dim() - 1) else weights

    def _attended(
        self,
        query: Any,
        key: Any,
        value: Any,
        attn_mask: Any = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Any:
        if enable_gqa:
            key, value = (part.repeat_interleave(query.size(-3) // part.size(-3), -3) for part in (key, value))
        likeness = likeness_of(query, key, attn_mask, is_causal, scale)
        self.across += likeness.size(-2) != likeness.size(-1)
        return self._kept(likeness.softmax(-1)) @ value

    def _kept(self, weights: Any) -> Any:
        rows, columns = weights.shape[-2:] if weights.dim() in (3, 4) else (0, 1)
        self.across += weights.dim() == 4 and 1 < rows != columns > 1
        if rows == columns > 1:
            if torch.is_grad_enabled() and not weights.requires_grad:
                weights.requires_grad_()
            self.weights.append(weights)
        return weights


def likeness_of(
    query: Any, key: Any, attn_mask: Any, is_causal: bool, scale: float | None, rows: slice = slice(None)
) -> Any:
    """Return what the softmax of an attention takes, (..., rows, columns), for these rows of its queries."""
    if is_causal:
        attn_mask = torch.ones(query.size(-2), key.size(-2), dtype=torch.bool, device=query.device).tril()
    likeness = query[..., rows, :] @ key.transpose(-2, -1) * (query.size(-1) ** -0.5 if scale is None else scale)
    if attn_mask is None:
        return likeness
    mask = attn_mask if attn_mask.size(-2) == 1 else attn_mask[..., rows, :]
    return likeness.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else likeness + mask


@contextmanager
def openly() -> Iterator[None]:
    """While active, PyTorch does not use the transformer fast path, which would bypass hooks and modes."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def by_picture(weights: Any, pictures: int) -> Any:
    """Return weights as (N, heads, tokens, tokens)."""
    return weights.unflatten(0, (pictures, -1)) if weights.dim() == 3 else weights
