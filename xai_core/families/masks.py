"""Random masks, pictures under them, and the mean of what they are worth.

Products are einsum without BLAS: as fast at these shapes, and the same bits whatever the number of threads.
"""

from __future__ import annotations

import numpy as np

from xai_core.pictures.resampling import stretch
from xai_core.types import Doubles, Estimate, Floats


class Masks:
    """The endless row of masks of one seed; how many are drawn at a time does not change them.

    A mask is a coarse grid of zeros and ones, stretched bilinearly to one cell more than the picture's size and cut
    to the picture at a random place (Petsiuk 2018, section 3.2). Its expected value is `preservation` at each pixel.
    """

    def __init__(self, size: tuple[int, ...], grid: int, preservation: float, seed: int) -> None:
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._size, self._grid, self._preservation = size, grid, preservation
        self._cells = np.array([-(-side // grid) for side in size])
        self._stretches = [stretch(grid, (grid + 1) * cell) for cell in self._cells]

    def draw(self, count: int) -> Floats:
        """Return the next `count` masks, (n, H, W), 1 where all is kept."""
        numbers = self._random.random((count, self._grid**2 + 2))
        kept = (numbers[:, :-2] < self._preservation).astype(np.float32).reshape(count, self._grid, self._grid)
        shifts = (numbers[:, -2:] * self._cells).astype(np.int64)
        rows, columns = (
            stretch[shift[:, None] + np.arange(side)]
            for stretch, shift, side in zip(self._stretches, shifts.T, self._size, strict=True)
        )
        across = np.einsum("ngf,nfw->ngw", kept, np.ascontiguousarray(columns.transpose(0, 2, 1)))
        return np.asarray(np.einsum("nhg,ngw->nhw", rows, across), np.float32)


def masked(image: Floats, masks: Floats, skip: int) -> Floats:
    """Return the image (H, W, 3) under each mask after the first `skip`, black where nothing is kept."""
    kept = masks[skip:]
    pictures = np.empty((*kept.shape, 3), np.float32)
    for channel in range(3):  # numpy is slow where its innermost loop has three steps
        np.multiply(kept, image[:, :, channel], out=pictures[:, :, :, channel])
    return pictures


class MaskAverage:
    """Mean of score times mask, over the mask's expected value, and how sure it is."""

    def __init__(self, targets: int, size: tuple[int, ...], expected: float) -> None:
        self._count = 0
        self._size, self._expected = size, expected
        self._sums = np.zeros((targets, size[0] * size[1]))
        self._squares = np.zeros_like(self._sums)

    def add(self, scores: Floats, masks: Floats) -> None:
        """Take scores (n, T) under masks (n, H, W)."""
        weighted = scores / np.float32(self._expected)
        values = masks.reshape(len(masks), -1)
        self._sums += np.einsum("nt,np->tp", weighted, values)
        self._squares += np.einsum("nt,np->tp", weighted**2, np.square(values))
        self._count += len(masks)

    def estimate(self, fraction: float) -> Estimate:
        means = self._sums / self._count
        maps = means.astype(np.float32).reshape(-1, *self._size)
        return Estimate(fraction, maps, standard_error=self._standard_error(means))

    def _standard_error(self, means: Doubles) -> Floats | None:
        if self._count < 2:
            return None
        variances = (self._squares - self._count * means**2) / (self._count - 1)
        errors = np.sqrt(np.maximum(variances, 0) / self._count)
        return np.asarray(errors, np.float32).reshape(-1, *self._size)


class MaskCovariance:
    """Covariance of score and mask, over the mask's expected value, and how sure it is.

    It is what `MaskAverage` finds less the mean score, so nought where the score does not hang on what is visible,
    and without the noise that the mean score brings in there.
    """

    def __init__(self, targets: int, size: tuple[int, ...], expected: float) -> None:
        self._count = 0
        self._size, self._expected = size, expected
        self._first: Floats | None = None
        self._scores = np.zeros((targets, 1))
        self._masks, self._squares = np.zeros((2, size[0] * size[1]))
        self._products, self._with_squares, self._squared = np.zeros((3, targets, size[0] * size[1]))

    def add(self, scores: Floats, masks: Floats) -> None:
        """Take scores (n, T) under masks (n, H, W)."""
        self._first = scores[0] if self._first is None else self._first
        scores = scores - self._first  # small numbers keep their digits when their squares are added up
        moved = masks.reshape(len(masks), -1) - np.float32(self._expected)
        squares = np.square(moved)
        self._scores += scores.sum(axis=0, dtype=np.float64)[:, None]
        self._masks += moved.sum(axis=0)
        self._squares += squares.sum(axis=0)
        self._products += np.einsum("nt,np->tp", scores, moved)
        self._with_squares += np.einsum("nt,np->tp", scores, squares)
        self._squared += np.einsum("nt,np->tp", np.square(scores), squares)
        self._count += len(masks)

    def estimate(self, fraction: float) -> Estimate:
        mean = self._scores / self._count
        covariances = (self._products - mean * self._masks) / max(1, self._count - 1)
        maps = (covariances / self._expected).astype(np.float32).reshape(-1, *self._size)
        return Estimate(fraction, maps, standard_error=self._standard_error(mean, covariances))

    def _standard_error(self, mean: Doubles, covariances: Doubles) -> Floats | None:
        """Return the standard error of the maps, the mean mask taken to be the expected one."""
        if self._count < 2:
            return None
        squares = self._squared - 2 * mean * self._with_squares + mean**2 * self._squares
        variances = squares / (self._count - 1) - covariances**2
        errors = np.sqrt(np.maximum(variances, 0) / self._count) / self._expected
        return np.asarray(errors, np.float32).reshape(-1, *self._size)
