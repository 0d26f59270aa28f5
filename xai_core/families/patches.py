"""A patch that moves over the picture and hides part of it."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.types import Floats, Indices

Fill = Annotated[
    Literal["black", "grey", "mean", "blurred"],
    "What the patch shows: one colour, the picture's mean colour, or the picture itself blurred.",
]


class Lattice:
    """The positions of the patch, and the fall of the score (T, rows, columns) at each.

    visits: (P, 3) row, column and spacing. Coarse spacings come first. Until finer ones follow, the fall at a position
    represents the whole block of `spacing` positions that begins there, so every preview is complete.
    """

    def __init__(self, size: tuple[int, ...], patch: int, stride: int, targets: int) -> None:
        self._patch = patch
        self._tops, self._lefts = (_starts(side, patch, stride) for side in size)
        self._over_rows = _averages(self._tops, patch, size[0])
        self._over_columns = np.ascontiguousarray(_averages(self._lefts, patch, size[1]).T)
        self._falls = np.zeros((targets, len(self._tops), len(self._lefts)))
        self.visits = _coarse_first(len(self._tops), len(self._lefts))

    def squares(self, first: int, last: int) -> Indices:
        """Return the patches (n, 4) of these visits: first row and column, and one past the last row and column."""
        rows, columns, _ = self.visits[first:last].T
        corners = np.stack([self._tops[rows], self._lefts[columns]], axis=1)
        return np.concatenate([corners, corners + self._patch], axis=1)

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
    """Return (side, positions): the weight of each position in the mean at each pixel."""
    offset = np.arange(side)[:, None] - starts
    covers = (offset >= 0) & (offset < patch)
    shares: NDArray[np.float64] = covers / covers.sum(axis=1, keepdims=True)
    return shares


def _coarse_first(rows: int, columns: int) -> Indices:
    row, column = np.indices((rows, columns)).reshape(2, -1)
    bits = row | column | 1 << max(rows, columns).bit_length()
    spacing = bits & -bits
    return np.stack([row, column, spacing], axis=1)[np.argsort(-spacing, kind="stable")]


def hidden(image: Floats, fill: Floats, squares: Indices, skip: int = 0) -> Floats:
    """Return copies of an image (H, W, 3), one per square (n, 4) after the first `skip`, showing `fill` there."""
    pictures = np.repeat(image[None], len(squares) - skip, axis=0)
    for picture, (top, left, bottom, right) in zip(pictures, squares[skip:], strict=True):
        square = np.s_[top:bottom, left:right]
        picture[square] = fill[square]
    return pictures
