"""A detector of transformers from the inside: the layers its boxes are made from, their gradients, and attention."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from model_adapters.pytorch.detection.errors import errors_in_words
from model_adapters.pytorch.detection.image_pass import numbers_of
from model_adapters.pytorch.detection.target_row import nearest_row, place
from model_adapters.pytorch.hugging_face.box_attention import ACROSS, WITHIN, RowAttention
from model_adapters.pytorch.hugging_face.detector import TRIAL, Answers, HubDetector
from model_adapters.pytorch.hugging_face.levels import CLASS_TOKEN, Level, Recorded, as_variables, levels_of
from xai_core.detector import Aspect, BoxTarget
from xai_core.errors import ModelError
from xai_core.params import Size
from xai_core.types import Capability, Floats, Layer

BOXES_ONLY = "Choose D-RISE or occlusion, which need boxes only."
NO_LEVELS = f"no layer of this detector lies on a grid over the picture and leads to its boxes. {BOXES_ONLY}"
NO_ABLATION = f"every channel would take a pass through the whole network. {BOXES_ONLY}"
SAMPLED = (
    "the attention of this detector does not cover one grid over the picture, or samples only a few points of it. "
    "Choose Grad-CAM or LayerCAM of a box."
)
LOST = "The detector does not find this box again. Choose a different box, or D-RISE."
USUAL_SIZE = (480, 640)  # pixels of the picture whose layers the card describes


@dataclass(eq=False)
class _Pass:
    """A pass over an image with levels as variables; its graph is kept for further boxes."""

    image: Floats
    recorded: Recorded
    said: Answers


class InsideDetector(HubDetector):
    """A detector whose levels are known. attends: whether its attention lies on the grid of its only level."""

    def __init__(self, plain: HubDetector, levels: Sequence[Level], attends: bool) -> None:
        self.device, self.module, self.card = plain.device, plain.module, plain.card
        self.entry, self.background = plain.entry, plain.background
        self.levels, self.attends = {level.name: level for level in levels}, attends
        self._last: _Pass | None = None

    def pyramid(self, image: Floats, levels: Sequence[str]) -> list[Floats]:
        self._check(levels)
        with errors_in_words(image[None]):
            recorded = self._passed(image).recorded
            return self._maps(recorded, levels, recorded.leaves)

    def box_gradients(
        self, image: Floats, target: BoxTarget, aspect: Aspect, levels: Sequence[str]
    ) -> tuple[float, list[Floats]]:
        self._check(levels)
        with errors_in_words(image[None]), torch.enable_grad():
            passed = self._passed(image)
            value = self._aspect(passed.said, self.row_of(passed.said, target), target, aspect)
            leaves = passed.recorded.leaves
            slopes = torch.autograd.grad(
                value, [leaves[name] for name in levels], retain_graph=True, materialize_grads=True
            )
            return float(value.detach()), self._maps(passed.recorded, levels, dict(zip(levels, slopes, strict=True)))

    def box_attention(self, image: Floats, target: BoxTarget) -> tuple[Floats, Floats]:
        if not self.attends:
            raise self._lacks("attention")
        with errors_in_words(image[None]):
            passed = self._passed(image)
            row = self.row_of(passed.said, target)
            (level,) = self.levels.values()
            output = passed.recorded.leaves[level.name]
            grid = passed.recorded.patches if level.after else (int(output.shape[2]), int(output.shape[3]))
            return self._attention(self.planes(image), row, target.label, grid, level.after)

    def row_of(self, said: Answers, target: BoxTarget) -> int:
        """Return the query whose box is nearest to the target; ModelError if there is none."""
        if not 0 <= target.label < self.card.classes:
            raise ModelError(f"This detector has {self.card.classes} classes; there is no class {target.label}.")
        return nearest_row(said.corners.detach(), said.scores.detach()[:, target.label], target, LOST)

    def _aspect(self, said: Answers, row: int, target: BoxTarget, aspect: Aspect) -> Any:
        if aspect in ("score", "class"):
            return said.logits[row, target.label]
        return place(said.corners[row], target, aspect)

    def _passed(self, image: Floats) -> _Pass:
        """Return the pass over an image, kept until the next one."""
        if self._last is None or not np.array_equal(self._last.image, image):
            self._last = None  # frees its memory before more is allocated
            with torch.enable_grad(), as_variables(self.module, list(self.levels.values())) as recorded:
                said = self.answers(self.planes(image))
            self._last = _Pass(image, recorded, said)
        return self._last

    def _maps(self, recorded: Recorded, names: Sequence[str], tensors: Any) -> list[Floats]:
        on_grid = (self.levels[name].on_grid(tensors[name], recorded.patches) for name in names)
        return [numbers_of(tensor[0].permute(1, 2, 0)) for tensor in on_grid]

    def _attention(self, planes: Any, row: int, label: int, grid: Size, after: int) -> tuple[Floats, Floats]:
        """Return the attention of a query in each layer, and the gradient of its logit, (L, heads, h, w) each."""
        count = grid[0] * grid[1]
        first = CLASS_TOKEN if after else 0
        attention = RowAttention(row + first + count if after else row)
        with torch.enable_grad(), attention.listening(self.module, _names(after)), attention:
            said = self.answers(planes)
            kept = [weights for weights, _ in attention.weights]
            slopes = torch.autograd.grad(said.logits[row, label], kept, materialize_grads=True)
        rows = [number for _, number in attention.weights]
        weights, gradients = (
            np.stack([_row(tensor, number, first, grid) for tensor, number in zip(tensors, rows, strict=True)])
            for tensors in (kept, slopes)
        )
        return weights, gradients

    def _check(self, levels: Sequence[str]) -> None:
        if unknown := [name for name in levels if name not in self.levels]:
            raise ModelError(
                f"This detector has no level {unknown[0][:40]!r}; its levels are {', '.join(self.levels)}."
            )


def opened(plain: HubDetector) -> HubDetector:
    """Return a detector with what can be seen inside it on its card."""
    size = plain.entry.size or TRIAL
    levels, attends = _seen(plain, size)
    if not levels:
        reasons = dict.fromkeys(("ACTIVATIONS", "GRADIENT", "ABLATION", "ATTENTION"), NO_LEVELS)
        plain.card = replace(plain.card, missing=reasons)
        return plain
    inside = InsideDetector(plain, levels, attends)
    lacks = {"ABLATION": NO_ABLATION} | ({} if attends else {"ATTENTION": SAMPLED})
    seen = Capability.ACTIVATIONS | Capability.GRADIENT | (Capability.ATTENTION if attends else Capability(0))
    layers = tuple(_layer(level, plain.entry.sized(*USUAL_SIZE), size) for level in levels)
    inside.card = replace(plain.card, capabilities=plain.card.capabilities | seen, layers=layers, missing=lacks)
    return inside


def _layer(level: Level, shown: Size, tried: Size) -> Layer:
    """Return a level found on an input of the size `tried` as it is on one of the size `shown`."""
    height, width = (max(1, round(n * new / old)) for n, new, old in zip(level.grid, shown, tried, strict=True))
    return Layer(level.name, height, width, level.channels)


def _seen(plain: HubDetector, size: Size) -> tuple[tuple[Level, ...], bool]:
    """Return a detector's levels, and whether its queries attend to the places of the only one; never fails."""
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)).to(plain.device)

    try:
        levels = levels_of(plain.module, picture)
        return levels, len(levels) == 1 and _attends(plain.module, picture, levels[0])
    except Exception:  # a network of an unusual kind may do anything; it still has its boxes
        return (), False


def _attends(network: Any, picture: Any, level: Level) -> bool:
    count = level.grid[0] * level.grid[1]
    attention = RowAttention(CLASS_TOKEN + count if level.after else 0)
    with torch.no_grad(), attention.listening(network, _names(level.after)), attention:
        network(picture)
    wanted = CLASS_TOKEN + count + level.after if level.after else count
    return bool(attention.weights) and all(weights.shape[-1] == wanted for weights, _ in attention.weights)


def _names(after: int) -> re.Pattern[str]:
    return WITHIN if after else ACROSS


def _row(weights: Any, row: int, first: int, grid: Size) -> Floats:
    """Return a row of attention weights, (1, heads, rows, columns) or (heads, rows, columns), as (heads, h, w)."""
    heads = weights.flatten(0, -3)[:, row, first : first + grid[0] * grid[1]]
    return numbers_of(heads.unflatten(-1, grid))
