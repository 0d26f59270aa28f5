"""Read, differentiate or replace the values of a layer while a PyTorch network runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import torch

from model_adapters.pytorch.answers import answer
from model_adapters.pytorch.attention import openly
from xai_core.errors import ModelError
from xai_core.types import Layer

Form = Literal["planes", "rows", "tokens"]
NOT_PASSED = "The layer {!r} was not passed on the way to this answer; choose a different layer."
NO_GRID = (
    "The layer {!r} gives {} values a channel for pictures of this size, which fill no grid; choose a different layer."
)


class _Enough(BaseException):
    """Ends a run early; a BaseException, so that a model's own `except Exception` does not catch it."""


@dataclass(frozen=True)
class Place:
    """Where a layer's output appears in a run, and how it is laid out on its grid.

    call: which of the module's calls, from 0. form: "planes" for (N, K, h, w), "rows" for (N, h, w, K), "tokens" for
    (N, before + h * w, K). The layer's grid is that for the `picture` size (height, width) it was found with; other
    sizes give other grids.
    """

    layer: Layer
    picture: tuple[int, int]
    call: int
    form: Form
    before: int = 0

    def on_grid(self, output: Any, picture: tuple[int, ...]) -> Any:
        """Return a module's output for pictures of a height and width as (N, h, w, K)."""
        if self.form == "tokens":
            patches = output[:, self.before :]
            return patches.unflatten(1, self._grid(patches.shape[1], *picture))
        return output.permute(0, 2, 3, 1) if self.form == "planes" else output

    def filled(self, output: Any, values: Any) -> Any:
        """Return `values` (N, h, w, K) in the module's own form; tokens before the grid come from `output` (1 or N)."""
        values = values.to(output.dtype)
        if self.form == "tokens":
            first = output[:, : self.before].expand(len(values), -1, -1)
            return torch.cat([first, values.flatten(1, 2)], 1)
        if self.form == "rows":
            return values
        lies = torch.contiguous_format if output.is_contiguous() else torch.channels_last
        return values.permute(0, 3, 1, 2).contiguous(memory_format=lies)

    def _grid(self, count: int, height: int, width: int) -> tuple[int, int]:
        rows = self.layer.height * height / self.picture[0]
        columns = self.layer.width * width / self.picture[1]
        row_count = round((count * rows / columns) ** 0.5)
        if row_count == 0 or count % row_count:
            raise ModelError(NO_GRID.format(self.layer.name, count))
        return row_count, count // row_count


def values_at(module: Any, tensor: Any, place: Place) -> Any:
    """Return a layer's output (N, h, w, K); what comes after the layer does not run."""
    outputs: list[Any] = []

    def keep(output: Any) -> Any:
        outputs.append(output)
        raise _Enough

    with suppress(_Enough), _through(module, place, keep):
        answer(module, tensor)
    return place.on_grid(_only(outputs, place), tensor.shape[2:])


def scores_from(module: Any, tensor: Any, place: Place) -> tuple[Any, Any]:
    """Return scores (N, K) with a gradient to the layer's output, and that output in the module's own form."""
    outputs: list[Any] = []

    def cut(output: Any) -> Any:
        outputs.append(output.detach().clone().requires_grad_())
        return outputs[-1].clone()  # what follows may work in place

    with _through(module, place, cut):
        scores = answer(module, tensor)
    return scores, _only(outputs, place)


def scores_with(module: Any, tensor: Any, place: Place, values: Any) -> Any:
    """Return scores for pictures (1 or N, C, H, W) with the layer's output replaced by `values` (N, h, w, K)."""
    outputs: list[Any] = []

    def replace(output: Any) -> Any:
        outputs.append(place.filled(output, values))
        return outputs[-1]

    with _through(module, place, replace):
        scores = answer(module, tensor)
    _only(outputs, place)
    return scores


@contextmanager
def _through(module: Any, place: Place, change: Callable[[Any], Any]) -> Iterator[None]:
    """While active, pass the layer's output through `change`."""
    calls = 0

    def hook(layer: Any, inputs: Any, output: Any) -> Any:
        nonlocal calls
        calls += 1
        return change(output) if calls == place.call + 1 else None

    handle = dict(module.named_modules())[place.layer.name].register_forward_hook(hook)
    try:
        with openly():
            yield
    finally:
        handle.remove()


def _only(outputs: list[Any], place: Place) -> Any:
    if not outputs:
        raise ModelError(NOT_PASSED.format(place.layer.name))
    return outputs[0]
