"""A layer of a PyTorch network while it runs: its values are read, given a gradient, or replaced."""

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
    """Ends a run whose rest nobody needs; no model's own `except Exception` may stop it."""


@dataclass(frozen=True)
class Place:
    """Where a layer's output appears in a run, and how it lies on its grid.

    call: at which of the module's calls in a run, from 0. form: "planes" for (N, K, h, w), "rows" for (N, h, w, K),
    "tokens" for (N, before + h * w, K). The layer's grid is that of the `picture` (height, width) it was found with;
    others give other grids.
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
        """Return `values` (N, h, w, K) as the module would give them; further tokens are those of `output` (1 or N)."""
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
        found = round((count * rows / columns) ** 0.5)
        if found == 0 or count % found:
            raise ModelError(NO_GRID.format(self.layer.name, count))
        return found, count // found


def values_at(module: Any, tensor: Any, place: Place) -> Any:
    """Return a layer's output (N, h, w, K); what comes after the layer does not run."""
    found: list[Any] = []

    def keep(output: Any) -> Any:
        found.append(output)
        raise _Enough

    with suppress(_Enough), _through(module, place, keep):
        answer(module, tensor)
    return place.on_grid(_only(found, place), tensor.shape[2:])


def scores_from(module: Any, tensor: Any, place: Place) -> tuple[Any, Any]:
    """Return scores (N, K) and the layer's output that they have a gradient to, in the module's own form."""
    found: list[Any] = []

    def cut(output: Any) -> Any:
        found.append(output.detach().clone().requires_grad_())
        return found[-1].clone()  # what follows may work in place

    with _through(module, place, cut):
        scores = answer(module, tensor)
    return scores, _only(found, place)


def scores_with(module: Any, tensor: Any, place: Place, values: Any) -> Any:
    """Return scores for pictures (1 or N, C, H, W) whose layer gives `values` (N, h, w, K)."""
    found: list[Any] = []

    def replace(output: Any) -> Any:
        found.append(place.filled(output, values))
        return found[-1]

    with _through(module, place, replace):
        scores = answer(module, tensor)
    _only(found, place)
    return scores


@contextmanager
def _through(module: Any, place: Place, change: Callable[[Any], Any]) -> Iterator[None]:
    """While inside, the layer's output passes through `change`."""
    calls = 0

    def hook(layer: Any, given: Any, output: Any) -> Any:
        nonlocal calls
        calls += 1
        return change(output) if calls == place.call + 1 else None

    handle = dict(module.named_modules())[place.layer.name].register_forward_hook(hook)
    try:
        with openly():
            yield
    finally:
        handle.remove()


def _only(found: list[Any], place: Place) -> Any:
    if not found:
        raise ModelError(NOT_PASSED.format(place.layer.name))
    return found[0]
