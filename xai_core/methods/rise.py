"""RISE: which parts of the picture, when kept at random, keep the score up.

Products are einsum without BLAS: as fast at these shapes, and the same bits whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from xai_core.method import BatchSize, ExplainedScore, Guide, Method, Seed, method
from xai_core.model import Model
from xai_core.params import Range
from xai_core.perturbed import PerturbedOutputs
from xai_core.resampling import stretch
from xai_core.types import Capability, Estimate, Floats, Indices

Doubles = NDArray[np.float64]


@method(
    "rise",
    title="RISE",
    group="Perturbation",
    needs=Capability.PREDICT,
    source="Petsiuk, Das, Saenko, RISE: Randomized Input Sampling for Explanation, 2018, arXiv 1806.07421",
    cost="`samples` forward passes, whatever the number of targets",
    guide=Guide(
        answers="Which parts of the picture, when they are visible, make the class more probable?",
        choose="For any model, as it needs predictions only; when an object may lie in several places.",
        limits="The map is noisy until many masks are drawn, never negative, and no finer than about a cell.",
    ),
)
class Rise(Method):
    """Keep random parts of the picture and average the masks by the score that each leaves."""

    samples: Annotated[
        int,
        Range(100, 20000, 100, steadier=True),
        "Random masks; more is slower and less noisy, and continues an earlier run.",
    ] = 1000
    grid: Annotated[int, Range(2, 32, unit="cells"), "Cells along a side of a mask: more shows finer parts."] = 7
    preservation: Annotated[float, Range(0.05, 0.95, 0.05), "Probability that a cell of a mask is kept."] = 0.5
    score: ExplainedScore = "probability"
    batch_size: BatchSize = 12
    seed: Seed = 0

    def explain(self, model: Model, image: Floats, targets: Indices) -> Iterator[Estimate]:
        masks = Masks(image.shape[:2], self.grid, self.preservation, self.seed)
        average = _Average(len(targets), image.shape[:2], self.preservation)
        outputs = PerturbedOutputs(
            model, image, method=self.id, grid=self.grid, preservation=self.preservation, seed=self.seed
        )
        for start, stop, worth_a_preview in outputs.batches(0, self.samples, self.batch_size):
            drawn = masks.draw(stop - start)
            raw = outputs.rows(start, stop, partial(_masked, image, drawn))
            average.add(model.as_score(raw, self.score)[:, targets], drawn)
            if worth_a_preview:
                yield average.estimate(stop / self.samples)


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


def _masked(image: Floats, masks: Floats, skip: int) -> Floats:
    """Return the image (H, W, 3) under each mask after the first `skip`, black where nothing is kept."""
    kept = masks[skip:]
    pictures = np.empty((*kept.shape, 3), np.float32)
    for channel in range(3):  # numpy is slow where its innermost loop has three steps
        np.multiply(kept, image[:, :, channel], out=pictures[:, :, :, channel])
    return pictures


class _Average:
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
