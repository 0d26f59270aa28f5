"""How the cells of random masks spread over a picture: sums of cells become sums of masks at each pixel."""

from __future__ import annotations

import numpy as np

from xai_core.families.masks import Cells, Masks
from xai_core.types import Doubles, Floats, Indices

REGIONS = 8  # along a side


class Spread:
    """The stretch of all masks of one kind over the picture.

    The value of a mask at a pixel is a sum over its cells, with weights that depend on its shift alone. So a sum over
    many masks takes one sum of cells for each shift, and one product with these weights at the end.
    """

    def __init__(self, masks: Masks) -> None:
        self._masks, self.expected = masks, masks.preservation
        self.variance = masks.preservation * (1 - masks.preservation)  # of a cell
        self._down, self._across = masks.placements()
        self._region_down, self._region_across = _band_means(self._down), _band_means(self._across)
        self.regions_count = len(self._region_down) * len(self._region_across)
        self._pairs_down, self._pairs_across = _pair_weights(self._down), _pair_weights(self._across)

    def regions(self, cells: Cells) -> Floats:
        """Return how much more than expected masks keep of each region, (n, regions): means over its pixels."""
        rows = np.einsum("rng,ngh->nrh", self._region_down[:, cells.shifts[:, 0]], self._values(cells), optimize=True)
        across = self._region_across[:, cells.shifts[:, 1]]
        means = np.einsum("nrh,cnh->nrc", rows, across, optimize=True)
        return np.asarray(means.reshape(len(rows), -1), np.float32)

    def covariances(self, slopes: Doubles) -> Doubles:
        """Return the exact covariance (T, H, W) of a mask with its regions weighted by slopes (T, regions).

        Cells are independent, of variance p (1 - p), and so are the shifts of rows and columns, which are uniform.
        """
        down, across = _products(self._region_down, self._down), _products(self._region_across, self._across)
        square = slopes.reshape(-1, len(down), len(across))
        return np.asarray(self.variance * (down.T @ square @ across))

    def means(self, cells: Cells, origin: float) -> Doubles:
        """Return the mean of (mask - origin) over the picture, (n,)."""
        down, across = (
            placement.mean(axis=0)[shifts]
            for placement, shifts in zip((self._down, self._across), cells.shifts.T, strict=True)
        )
        return np.asarray(np.einsum("ng,ngh,nh->n", down, self._values(cells, origin), across, optimize=True))

    def sums(self, weights: Doubles, cells: Cells, origin: float) -> Doubles:
        """Return the sums (T, H, W) over masks of weights (n, T) times (mask - origin)."""
        values, shifts = self._values(cells, origin), _Shifts(cells.shifts, self._masks.cell)
        columns = weights.astype(np.float32).T
        return np.stack([_stretched(self._down, shifts.sums(own, values), self._across) for own in columns])

    def sums_and_squares(self, weights: Doubles, cells: Cells, origin: float) -> tuple[Doubles, Doubles]:
        """Return the sums over masks of weights (n, T) times (mask - origin), and of their squares: both (T, H, W)."""
        values, shifts = self._values(cells, origin), _Shifts(cells.shifts, self._masks.cell)
        pairs, columns = _pairs(values), weights.astype(np.float32).T
        sums = [_stretched(self._down, shifts.sums(own, values), self._across) for own in columns]
        squares = [_stretched(self._pairs_down, shifts.sums(own**2, pairs), self._pairs_across) for own in columns]
        return np.stack(sums), np.stack(squares)

    def _values(self, cells: Cells, origin: float | None = None) -> Floats:
        expected = self._masks.preservation if origin is None else origin
        grid = self._masks.grid
        return cells.kept.reshape(-1, grid, grid).astype(np.float32) - np.float32(expected)


class _Shifts:
    """Masks sorted by their shifts (n, 2), of which there are `cell` rows and columns."""

    def __init__(self, shifts: Indices, cell: Indices) -> None:
        numbers = shifts[:, 0] * cell[1] + shifts[:, 1]
        self._cell, self._order = cell, np.argsort(numbers, kind="stable")
        self._present, self._starts = np.unique(numbers[self._order], return_index=True)

    def sums(self, weights: Floats, values: Floats) -> Floats:
        """Return the sums (row shifts, column shifts, a, b), for each shift, of values (n, a, b) times weights (n,)."""
        flat = values.reshape(len(values), -1)[self._order] * weights[self._order, None]
        sums = np.zeros((int(np.prod(self._cell)), flat.shape[1]), np.float32)
        sums[self._present] = np.add.reduceat(flat, self._starts)
        return sums.reshape(*self._cell, *values.shape[1:])


def _band_means(placement: Doubles) -> Doubles:
    """Return the means (regions, shifts, g) of placements (side, shifts, g) over `REGIONS` bands of about one size."""
    side = len(placement)
    edges = np.unique(np.arange(REGIONS) * side // REGIONS)
    return np.add.reduceat(placement, edges) / np.diff(np.append(edges, side))[:, None, None]


def _products(means: Doubles, placement: Doubles) -> Doubles:
    """Return (regions, side): the products of weights, summed over cells and averaged over shifts."""
    return np.asarray(np.tensordot(means, placement, ((1, 2), (1, 2))) / placement.shape[1])


def _pair_weights(placement: Doubles) -> Doubles:
    """Return weights (nodes, shifts, 2g - 1) of the squares of g cells and of the products of two neighbours."""
    return np.concatenate([placement**2, placement[..., :-1] * placement[..., 1:]], axis=-1)


def _pairs(values: Floats) -> Floats:
    """Return (n, 2g - 1, 2g - 1): the products of cells (n, g, g) of which a squared mask is a sum.

    A pixel lies between two rows and two columns at the most, so only neighbours meet.
    """
    rows = np.concatenate([values**2, 2 * values[:, :, :-1] * values[:, :, 1:]], axis=2)
    straight = 2 * values[:, :-1] * values[:, 1:]
    crossed = 2 * (values[:, :-1, :-1] * values[:, 1:, 1:] + values[:, :-1, 1:] * values[:, 1:, :-1])
    return np.concatenate([rows, np.concatenate([straight, crossed], axis=2)], axis=1)


def _stretched(down: Doubles, sums: Floats, across: Doubles) -> Doubles:
    """Return (H, W) of sums (row shifts, column shifts, a, b), stretched over rows and columns."""
    rows, columns = (placement.reshape(len(placement), -1).astype(np.float32) for placement in (down, across))
    flat = sums.transpose(0, 2, 1, 3).reshape(rows.shape[1], columns.shape[1])
    return np.asarray(rows @ flat @ columns.T, np.float64)
