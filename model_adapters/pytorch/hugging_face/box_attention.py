"""The attention of a box's own query: the weights that one row of each attention gives to places of the picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from model_adapters.pytorch.attention import ATTENTIONS, SOFTMAXES, likeness_of

ACROSS = re.compile(r"\.(encoder_attn|cross_attn)$")  # from queries to places of the picture
WITHIN = re.compile(r"\.\d+\.attention$")  # among all tokens of YOLOS


class RowAttention(TorchFunctionMode):  # type: ignore[misc]
    """While active, keeps the attention of one row in the modules that `listening` marks, as part of the graph.

    weights: (1, heads, rows, columns) or (heads, rows, columns) of each attention, in the order of the pass, with the
    number of the row that counts. Where possible only that row is computed openly: all rows of YOLOS take gigabytes.
    """

    def __init__(self, row: int) -> None:
        super().__init__()
        self.weights: list[tuple[Any, int]] = []
        self._row, self._inside = row, False

    @contextmanager
    def listening(self, network: Any, names: re.Pattern[str]) -> Iterator[None]:
        """While active, attention counts inside modules whose names end as `names` says."""
        parts = [part for name, part in network.named_modules() if names.search(name)]
        handles = [part.register_forward_pre_hook(self._within(True)) for part in parts]
        handles += [part.register_forward_hook(self._within(False)) for part in parts]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        answer = function(*args, **options)
        if not self._inside:
            return answer
        if function in ATTENTIONS:
            return self._attended(answer, *args, **options)
        return self._kept(answer, self._row) if function in SOFTMAXES else answer

    def _attended(
        self,
        answer: Any,
        query: Any,
        key: Any,
        value: Any,
        attn_mask: Any = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        **rest: Any,
    ) -> Any:
        """Return an attention's answer with one row computed again, from weights that have a gradient."""
        own = slice(self._row, self._row + 1)
        likeness = likeness_of(query, key, attn_mask, is_causal, scale, own)
        again = self._kept(likeness.softmax(-1), 0) @ value
        return torch.cat([answer[..., : self._row, :], again, answer[..., self._row + 1 :, :]], -2)

    def _kept(self, weights: Any, row: int) -> Any:
        if torch.is_grad_enabled() and not weights.requires_grad:
            weights.requires_grad_()
        self.weights.append((weights, row))
        return weights

    def _within(self, inside: bool) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            self._inside = inside

        return hook
