"""Find the layers of a detector from which its boxes are made, and take them as variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from model_adapters.pytorch.inside import PROJECTIONS
from xai_core.params import Size

LEAST_PLACES = 4  # of a grid; a smaller one shows nothing
CLASS_TOKEN = 1  # before the patches of YOLOS


@dataclass(frozen=True)
class Level:
    """A module whose output boxes are made from: planes (1, K, h, w), or tokens (1, n, K) that hold `grid` patches.

    call: which of the module's calls, from 0. after: how many detection tokens follow the patches; 0 for planes.
    """

    name: str
    call: int
    grid: Size
    channels: int
    after: int = 0

    def on_grid(self, output: Any, grid: Size) -> Any:
        """Return an output as (1, K, h, w); `grid` is that of the patches, and not needed for planes."""
        if not self.after:
            return output
        return output[:, CLASS_TOKEN : output.shape[1] - self.after].transpose(1, 2).unflatten(2, grid)


@dataclass
class Recorded:
    """What a pass with levels as variables left: the output of each level, and the grid of the patches."""

    leaves: dict[str, Any] = field(default_factory=dict)
    patches: Size = (0, 0)


def levels_of(network: Any, picture: Any) -> tuple[Level, ...]:
    """Return the levels on which the logits of a picture (1, 3, h, w) depend directly, in the order of the pass."""
    after = int(getattr(network.config, "num_detection_tokens", 0) or 0)

    def scores(pixels: Any = picture) -> Any:
        return network(pixels)["logits"]

    with torch.enable_grad(), _watched(network, tuple(picture.shape[2:]), after) as seen:
        scores(picture.clone().requires_grad_())  # only what depends on the picture then has a gradient
    last: dict[tuple[Size, int], Level] = {}
    for level in seen:
        last[level.grid, level.after] = level
    if after:
        return _last_that_acts(network, scores, [level for level in seen if level.after])
    acts = _slopes(network, scores, list(last.values()))
    return tuple(level for level in last.values() if acts[level.name])


def _last_that_acts(network: Any, scores: Callable[[], Any], candidates: Sequence[Level]) -> tuple[Level, ...]:
    """Return the last layer of tokens whose patches still act on the scores."""
    for level in reversed(candidates):
        if _slopes(network, scores, [level])[level.name]:
            return (level,)
    return ()


def _slopes(network: Any, scores: Callable[[], Any], levels: Sequence[Level]) -> dict[str, bool]:
    """Return which levels act on the scores otherwise than through another level."""
    with torch.enable_grad(), as_variables(network, levels) as recorded:
        logits = scores()
    mixed = torch.randn(logits.shape, generator=torch.Generator().manual_seed(0)).to(logits)
    found = torch.autograd.grad((logits * mixed).sum(), list(recorded.leaves.values()), allow_unused=True)
    by_name = dict(zip(recorded.leaves, found, strict=True))
    return {level.name: _acts(level, by_name.get(level.name), recorded.patches) for level in levels}


def _acts(level: Level, slope: Any, patches: Size) -> bool:
    return slope is not None and bool((level.on_grid(slope, patches) != 0).any())


@contextmanager
def as_variables(network: Any, levels: Sequence[Level]) -> Iterator[Recorded]:
    """While active, the output of each level is a variable of its own, and kept."""
    recorded, modules = Recorded(), dict(network.named_modules())
    handles = [modules[level.name].register_forward_hook(_cut(level, recorded)) for level in levels]
    handles += [part.register_forward_hook(_patches(recorded)) for part in _patch_layers(network)]
    try:
        yield recorded
    finally:
        for handle in handles:
            handle.remove()


def _cut(level: Level, recorded: Recorded) -> Callable[..., Any]:
    calls = 0

    def hook(module: Any, inputs: Any, output: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != level.call + 1:
            return None
        recorded.leaves[level.name] = output.detach().clone().requires_grad_(torch.is_grad_enabled())
        return recorded.leaves[level.name].clone()  # what follows may work in place

    return hook


def _patches(recorded: Recorded) -> Callable[..., None]:
    def hook(module: Any, inputs: Any, output: Any) -> None:
        recorded.patches = (int(output.shape[2]), int(output.shape[3]))

    return hook


def _patch_layers(network: Any) -> list[Any]:
    """Return the convolution that makes the patches of YOLOS."""
    return [part for name, part in network.named_modules() if name.endswith("patch_embeddings.projection")]


@contextmanager
def _watched(network: Any, size: Size, after: int) -> Iterator[list[Level]]:
    """While active, note every output that lies on a grid over a picture of `size`."""
    seen: list[Level] = []
    calls: dict[str, int] = {}
    recorded = Recorded()
    parts = [(name, part) for name, part in network.named_modules() if name and not PROJECTIONS.search(name)]
    handles = [part.register_forward_hook(_patches(recorded)) for part in _patch_layers(network)]
    handles += [part.register_forward_hook(_note(name, size, after, seen, calls, recorded)) for name, part in parts]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _note(
    name: str, size: Size, after: int, seen: list[Level], calls: dict[str, int], recorded: Recorded
) -> Callable[..., None]:
    def hook(module: Any, inputs: Any, output: Any) -> None:
        call = calls[name] = calls.get(name, -1) + 1
        if not isinstance(output, torch.Tensor) or output.shape[:1] != (1,) or not output.requires_grad:
            return
        if output.dim() == 4 and _is_grid(output.shape[2:], size):
            seen.append(Level(name, call, (output.shape[2], output.shape[3]), output.shape[1]))
        patches = recorded.patches[0] * recorded.patches[1]
        if after and output.dim() == 3 and output.shape[1] == CLASS_TOKEN + patches + after:
            seen.append(Level(name, call, recorded.patches, output.shape[2], after))

    return hook


def _is_grid(shape: Sequence[int], size: Size) -> bool:
    (height, width), (whole_height, whole_width) = shape, size
    alike = abs(height * whole_width - width * whole_height) <= max(size)
    return height * width >= LEAST_PLACES and height < whole_height and alike
