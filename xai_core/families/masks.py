"""Random masks, and pictures under them.

Products are einsum without BLAS: as fast at these shapes, and the same bits whatever the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import SeedSequence

from xai_core.pictures.resampling import resized, stretch
from xai_core.types import Doubles, Flags, Floats, Indices


@dataclass(frozen=True)
class Cells:
    """Masks before they are stretched over the picture, of a `grid` of g x g cells.

    kept: (n, g²) bool, the cells that are kept. shifts: (n, 2), the row and column at which each mask is cut.
    """

    kept: Flags
    shifts: Indices

    def first(self, count: int) -> Cells:
        """Return the first `count` masks."""
        return Cells(self.kept[:count], self.shifts[:count])

    def after(self, skip: int) -> Cells:
        """Return the masks after the first `skip`."""
        return Cells(self.kept[skip:], self.shifts[skip:])


class Masks:
    """The endless sequence of masks of one seed; how many are drawn at a time does not change them.

    A mask is a coarse grid of zeros and ones, stretched bilinearly to one cell more than the picture's size and cut
    to the picture at a random place (Petsiuk 2018, section 3.2). Its expected value is `preservation` at each pixel.
    """

    def __init__(self, size: tuple[int, ...], grid: int, preservation: float, seed: int | SeedSequence) -> None:
        self._seed = seed if isinstance(seed, SeedSequence) else SeedSequence(seed)
        self._random = np.random.Generator(np.random.PCG64(self._seed))
        self.size, self.grid, self.preservation = size, grid, preservation
        self.cell = np.array([-(-side // grid) for side in size])  # height and width of a cell in pixels
        self._stretches = [stretch(grid, (grid + 1) * cell) for cell in self.cell]

    def cells(self, count: int) -> Cells:
        """Return the next `count` masks before they are stretched."""
        numbers = self._random.random((count, self.grid**2 + 2))
        shifts = (numbers[:, -2:] * self.cell).astype(np.int64)
        return Cells(numbers[:, :-2] < self.preservation, shifts)

    def pixels(self, cells: Cells) -> Floats:
        """Return masks as pixel values (n, H, W), 1 where everything is kept."""
        kept = cells.kept.astype(np.float32).reshape(-1, self.grid, self.grid)
        rows, columns = (
            stretch[shift[:, None] + np.arange(side)]
            for stretch, shift, side in zip(self._stretches, cells.shifts.T, self.size, strict=True)
        )
        across = np.einsum("ngf,nfw->ngw", kept, np.ascontiguousarray(columns.transpose(0, 2, 1)))
        return np.asarray(np.einsum("nhg,ngw->nhw", rows, across), np.float32)

    def independent(self) -> Masks:
        """Return the first of the masks of the same kind that are drawn independently of these."""
        seed = SeedSequence(self._seed.entropy, spawn_key=(1,))
        return Masks(self.size, self.grid, self.preservation, seed)

    def draw(self, count: int) -> Floats:
        """Return the next `count` masks as pixel values, (n, H, W)."""
        return self.pixels(self.cells(count))

    def placements(self) -> tuple[Doubles, Doubles]:
        """Return how each cell spreads over rows and columns at each shift: (H, shifts, g) and (W, shifts, g)."""
        down, across = (
            stretch[np.arange(side)[:, None] + np.arange(cell)].astype(np.float64)
            for stretch, side, cell in zip(self._stretches, self.size, self.cell, strict=True)
        )
        return down, across


def masked(image: Floats, masks: Masks, cells: Cells, skip: int = 0) -> Floats:
    """Return the image (H, W, 3) under each mask after the first `skip`, black where nothing is kept."""
    kept = resized(masks.pixels(cells.after(skip)), (image.shape[0], image.shape[1]))
    pictures = np.empty((*kept.shape, image.shape[2]), np.float32)
    for channel in range(image.shape[2]):  # numpy is slow where its innermost loop has three steps
        np.multiply(kept, image[:, :, channel], out=pictures[:, :, :, channel])
    return pictures
