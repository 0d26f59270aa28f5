"""Find the maps in what a module returns, and let a module return their mean over a region."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.segmentation import LABELS_ONLY
from model_adapters.pytorch.answers import LOGITS, outputs_of
from xai_core.errors import TryAsClassifier, UnsupportedModel
from xai_core.scores import Scoring
from xai_core.segmentation.regions import mean_weights
from xai_core.types import Flags, Floats, Score

CLASSIFIER = "This model labels the whole picture (a classifier)."
SEVERAL = "The model returns {0} maps: {1}. Name the output that holds the class scores."
NO_MAPS = "Expected scores (N, classes, H, W) for a segmentation network; the model returned {0}."


@dataclass(frozen=True)
class Maps:
    """How the maps are read from what a module returns.

    output: the name of the output that holds them, "" to detect it. scoring: what the user says they are. gives: what
    they hold. channels: how many there
    are, 0 if that is not known yet. region: flags (H, W) over which `rows` averages, None for everything.
    """

    output: str = ""
    scoring: Scoring = ""
    gives: Score = "logit"
    channels: int = 0
    region: Flags | None = None
    _weights: dict[tuple[int, int], Floats] = field(default_factory=dict, repr=False, compare=False)

    def within(self, region: Flags | None) -> Maps:
        return replace(self, region=region, _weights={})

    def raw(self, returned: Any) -> Any:
        """Return the maps (N, C, h, w); UnsupportedModel if there are none, or several to choose from."""
        if isinstance(returned, torch.Tensor):
            return _as_maps(returned)
        outputs = {name: tensor for name, (_, tensor) in outputs_of(returned).items()}
        maps = {name: tensor for name, tensor in outputs.items() if _is_map(tensor)}
        if self.output:
            return _as_maps(maps[OutputChoice(output=self.output).among(maps)])
        names = [name for name in LOGITS if name in maps] or list(maps)
        if len(maps) > 1 and names == list(maps):
            raise UnsupportedModel(SEVERAL.format(len(maps), ", ".join(name[:40] for name in names[:20])))
        if not names:
            raise _no_maps(returned, outputs)
        return _as_maps(maps[names[0]])

    def rows(self, returned: Any) -> Any:
        """Return the means (N, K) of the maps over the region."""
        means = self._means(returned)
        if means.shape[1] > 1:
            return means
        both, shift = means.new_tensor([[-1.0], [1.0]]), means.new_tensor([float(self.gives == "probability"), 0.0])
        return torch.nn.functional.linear(means, both, shift)

    def _means(self, returned: Any) -> Any:
        """Return the means (N, C) of the maps over the region."""
        return self._averaged(self.raw(returned))

    def _averaged(self, maps: Any) -> Any:
        """Return the means (N, C) over the region of maps (N, C, h, w)."""
        return torch.nn.functional.linear(maps.flatten(2), self._mean(maps)).flatten(1)

    def _mean(self, maps: Any) -> Any:
        """Return weights (1, h * w) whose products with a flat map add up to its mean."""
        grid = (int(maps.shape[2]), int(maps.shape[3]))
        if self.region is None:
            return maps.new_full((1, grid[0] * grid[1]), 1 / (grid[0] * grid[1]))
        if grid not in self._weights:
            self._weights[grid] = mean_weights(self.region, grid).reshape(1, -1)
        return torch.from_numpy(self._weights[grid]).to(maps)


class InRegion(torch.nn.Module):  # type: ignore[misc]
    """A module whose maps are averaged over a region."""

    def __init__(self, whole: Any, maps: Maps) -> None:
        super().__init__()
        self.whole, self._maps = whole, maps

    def forward(self, pictures: Any) -> Any:
        return self._maps.rows(self.whole(pictures))


def in_region(module: Any, maps: Maps) -> Any:
    """Return a module that gives the means (N, K) of another one's maps; it shares all parts and their names."""
    if isinstance(module, torch.jit.ScriptModule):
        return InRegion(module, maps)
    made = object.__new__(type(module))
    made.__dict__.update(module.__dict__)
    made.__dict__["_forward_hooks"] = copy.copy(module.__dict__["_forward_hooks"])
    made.register_forward_hook(lambda part, inputs, returned: maps.rows(returned))
    return made


def _is_map(tensor: Any) -> bool:
    return bool(tensor.dim() == 4 and min(tensor.shape[2:]) > 1)


def _as_maps(tensor: Any) -> Any:
    if tensor.dim() == 2:
        raise TryAsClassifier(CLASSIFIER)
    if tensor.dim() > 2 and not tensor.is_floating_point():
        raise UnsupportedModel(LABELS_ONLY)
    if tensor.dim() == 3:
        return tensor[:, None]
    if tensor.dim() != 4:
        raise UnsupportedModel(NO_MAPS.format("x".join(map(str, tensor.shape)) or "a single number"))
    return tensor


def _no_maps(returned: Any, outputs: Mapping[str, Any]) -> UnsupportedModel:
    parts = list(returned.values()) if isinstance(returned, Mapping) else list(returned or ())
    if any(isinstance(part, torch.Tensor) and part.dim() > 2 and not part.is_floating_point() for part in parts):
        return UnsupportedModel(LABELS_ONLY)
    if any(tensor.dim() == 2 for tensor in outputs.values()):
        return TryAsClassifier(CLASSIFIER)
    return UnsupportedModel(NO_MAPS.format(f"{len(outputs)} outputs"))
