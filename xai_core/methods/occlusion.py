"""Occlusion sensitivity: how far the score falls when a patch of the picture is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.baselines import baseline_picture
from xai_core.errors import ParamError
from xai_core.method import BatchSize, ExplainedScore, Guide, Method, method
from xai_core.model import Model
from xai_core.params import Range, ShareOfSide
from xai_core.perturbed import PerturbedOutputs
from xai_core.types import Capability, Estimate, Floats, Indices

HALF = ShareOfSide(0.5)


@method(
    "occlusion",
    title="Occlusion sensitivity",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, 2014, arXiv 1311.2901",
    cost="one forward pass a position of the patch, whatever the number of targets",
    guide=Guide(
        answers="How far does the score fall when this part of the picture is hidden?",
        choose="For any model, and when the answer must be easy to tell: it is an experiment, not a formula.",
        limits="Parts that can stand in for each other seem unimportant; a hidden patch is itself an unusual sight.",
    ),
)
class Occlusion(Method):
    """Hide one patch after the other and see how far the score falls."""

    patch: Annotated[int, Range(4, HALF, unit="px"), "Side of the square that hides a part of the picture."] = 24
    stride: Annotated[int, Range(1, HALF, unit="px"), "How far the patch moves; smaller is slower and finer."] = 8
    fill: Annotated[
        Literal["black", "grey", "mean", "blurred"],
        "What the patch shows: one colour, the picture's mean colour, or the picture itself blurred.",
    ] = "grey"
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12

    def check(self) -> None:
        if self.stride > self.patch:
            raise ParamError(
                f"Stride must not exceed the patch, or pixels between two patches are never hidden; "
                f"got a stride of {self.stride} px and a patch of {self.patch} px."
            )

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        lattice = _Lattice(image.shape[:2], self.patch, self.stride, len(targets))
        patches = _Patches(image, baseline_picture(self.fill, image), self.patch)
        outputs = PerturbedOutputs(model, image, method=self.id, patch=self.patch, stride=self.stride, fill=self.fill)
        raw = outputs.rows(0, 1, lambda skip: image[None])
        whole = model.as_score(raw, self.score)[:, targets]
        end = 1 + len(lattice.visits)
        for start, stop, worth_a_preview in outputs.batches(1, end, self.batch_size):
            raw = outputs.rows(start, stop, partial(patches.hide, lattice.corners(start - 1, stop - 1)))
            lattice.enter(start - 1, whole - model.as_score(raw, self.score)[:, targets])
            if worth_a_preview:
                yield Estimate(stop / end, lattice.maps())


class _Lattice:
    """The positions of the patch, and the fall of the score (T, rows, columns) at each.

    visits: (P, 3) row, column and spacing. Coarse spacings come first; until finer ones follow, the fall at a
    position stands for the whole block of `spacing` positions that begins there, so that any preview is complete.
    """

    def __init__(self, size: tuple[int, ...], patch: int, stride: int, targets: int) -> None:
        self._tops, self._lefts = (_starts(side, patch, stride) for side in size)
        self._over_rows = _averages(self._tops, patch, size[0])
        self._over_columns = np.ascontiguousarray(_averages(self._lefts, patch, size[1]).T)
        self._falls = np.zeros((targets, len(self._tops), len(self._lefts)))
        self.visits = _coarse_first(len(self._tops), len(self._lefts))

    def corners(self, first: int, last: int) -> Indices:
        """Return the top left pixels (n, 2) of the patches of these visits."""
        rows, columns, _ = self.visits[first:last].T
        return np.stack([self._tops[rows], self._lefts[columns]], axis=1)

    def enter(self, first: int, falls: Floats) -> None:
        """Take the falls (n, T) of the visits from `first` on."""
        for (row, column, spacing), fall in zip(self.visits[first : first + len(falls)], falls, strict=True):
            self._falls[:, row : row + spacing, column : column + spacing] = fall[:, None, None]

    def maps(self) -> Floats:
        """Return (T, H, W): at each pixel the mean fall over the patches that hide it."""
        down = np.einsum("hr,trc->thc", self._over_rows, self._falls)
        return np.asarray(np.einsum("thc,cw->thw", down, self._over_columns), np.float32)


def _starts(side: int, patch: int, stride: int) -> Indices:
    last = side - patch
    return np.append(np.arange(0, last, stride), last)


def _averages(starts: Indices, patch: int, side: int) -> NDArray[np.float64]:
    """Return (side, positions): the share that each position has in the mean at each pixel."""
    offset = np.arange(side)[:, None] - starts
    covers = (offset >= 0) & (offset < patch)
    shares: NDArray[np.float64] = covers / covers.sum(axis=1, keepdims=True)
    return shares


def _coarse_first(rows: int, columns: int) -> Indices:
    row, column = np.indices((rows, columns)).reshape(2, -1)
    bits = row | column | 1 << max(rows, columns).bit_length()
    spacing = bits & -bits
    return np.stack([row, column, spacing], axis=1)[np.argsort(-spacing, kind="stable")]


@dataclass(frozen=True)
class _Patches:
    """Hides square parts of an image (H, W, 3) behind those of another."""

    image: Floats
    fill: Floats
    side: int

    def hide(self, corners: Indices, skip: int = 0) -> Floats:
        """Return the image once for each corner (n, 2) after the first `skip`, with the square there hidden."""
        pictures = np.repeat(self.image[None], len(corners) - skip, axis=0)
        for picture, (top, left) in zip(pictures, corners[skip:], strict=True):
            square = np.s_[top : top + self.side, left : left + self.side]
            picture[square] = self.fill[square]
        return pictures
