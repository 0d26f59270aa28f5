"""How much of a map is Monte-Carlo noise, and when a run that samples has drawn enough."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from xai_core.params import Declared, Range
from xai_core.types import Estimate, Floats

NOISE_WANTED = 0.05
LEVEL_DEVIATION = "level_deviation"  # the diagnostic for the standard error of a map's mean over its pixels
DRAWN = "drawn"  # the diagnostic for how much of its effort a run took that stopped early
STOP_FIELD = "stop_at_noise"  # what methods call the parameter
STOP_AT = 100 * NOISE_WANTED
StopAtNoise = Annotated[
    float,
    Range(0, 50, 1, "%"),
    "Stop early, once noise is at most this share of the map's variance; 0 always draws everything.",
]
FINE = 8  # units; from twice as many on, noise is judged after every second unit, and so on
MASKS, LEAST_MASKS = 48, 3  # a unit; units before the standard error can be judged
GRADIENTS, LEAST_GRADIENTS = 8, 2
LARGEST_FRACTION = 0.99  # of the work, before the last estimate


def noise_shares(estimate: Estimate) -> tuple[float | None, ...]:
    """Return the share of each map's variance over its pixels that is Monte-Carlo noise, 0 to 1.

    It is the mean squared standard error over the variance of the map. The part that moves all pixels alike is
    subtracted if the method measures it as `LEVEL_DEVIATION`; otherwise the share is too large rather than too small.
    None if the method draws nothing, or the map is constant.
    """
    errors, levels = estimate.standard_error, estimate.diagnostics.get(LEVEL_DEVIATION)
    if errors is None:
        return (None,) * len(estimate.maps)
    level_errors = [error or 0.0 for error in levels or (0.0,) * len(errors)]
    return tuple(map(_noise_share, estimate.maps, errors, level_errors))


def _noise_share(heatmap: Floats, error: Floats, level_error: float) -> float | None:
    if is_constant(heatmap):
        return None
    noise = float(np.mean(np.square(error, dtype=np.float64))) - level_error**2
    return min(1.0, max(0.0, noise) / float(np.var(heatmap, dtype=np.float64)))


def is_constant(heatmap: Floats) -> bool:
    """Return whether a map has the same value everywhere, up to rounding."""
    return float(np.ptp(heatmap)) <= 1e-6 * float(np.abs(heatmap).max(initial=0))


def samples_for(share: float, samples: int, wanted: float = NOISE_WANTED) -> int | None:
    """Return how many samples reduce a noise share to `wanted`, if `samples` have reached `share`.

    The variance of the noise is proportional to 1 / samples; the rest stays. None if the whole map may be noise, since
    nothing can be predicted then.
    """
    if share >= 1:
        return None
    ratio = share / (1 - share) * (1 - wanted) / wanted
    return max(samples, math.ceil(samples * ratio))


@dataclass(frozen=True)
class Stopping:
    """When a run that samples ends: after `total` passes, or earlier if its maps are steady enough.

    percent: noise share in % at which it ends early; 0 never. unit: passes that count together, such as a pair or a
    row. least: units before the standard error can be judged. first: passes before the first unit.

    Noise is judged after the same passes at every batch size, so that a seed always means the same map.
    """

    percent: float
    total: int
    unit: int
    least: int
    first: int = 0

    @classmethod
    def of_masks(cls, percent: float, total: int) -> Stopping:
        """Return the stopping rule of a run on independent random masks."""
        return cls(percent, total, unit=MASKS, least=LEAST_MASKS)

    @classmethod
    def of_gradients(cls, percent: float, total: int) -> Stopping:
        """Return the stopping rule of a run on the gradients of random pictures."""
        return cls(percent, total, unit=GRADIENTS, least=LEAST_GRADIENTS)

    def continues(self, percent: float, count: int) -> bool:
        """Whether this run can continue from one that stops at `percent` and has taken `count` passes."""
        longer = not self.percent or 0 < self.percent <= percent
        return longer and count <= self.total

    def next_check(self, count: int) -> int:
        """Return the next number of passes, above `count`, after which noise is judged; `total` if there is none."""
        if not self.percent:
            return self.total
        units = max(self.least, (count - self.first) // self.unit + 1)
        grain = 1 << max(0, (units // FINE).bit_length() - 1)
        return min(self.total, self.first + -(-units // grain) * grain * self.unit)

    def is_check(self, count: int) -> bool:
        """Whether noise is judged after `count` passes; always after the last one."""
        return count == self.total or count == self.next_check(count - 1)

    def until_steady(self, estimates: Iterator[Estimate], method: Declared) -> Iterator[Estimate]:
        """Yield estimates, the last one as soon as the noise of every map is low enough, with a note on why it ended.

        Fractions refer to the number of passes that the noise so far predicts. method: the running one, for its effort.
        """
        if not self.percent:
            yield from estimates
            return
        expected, fraction = float(self.total), 0.0
        for estimate in estimates:
            count = round(estimate.fraction * self.total)
            worst = worst_share(estimate) if self.is_check(count) else None
            if worst is not None and (count == self.total or worst <= self.percent / 100):
                yield self._ended(worst, estimate, method)
                return
            expected = self._expected(worst, count) if worst is not None else expected
            fraction = max(fraction, min(LARGEST_FRACTION, count / expected))
            yield estimate if count == self.total else replace(estimate, fraction=fraction)

    def _expected(self, worst: float, count: int) -> float:
        return min(self.total, samples_for(worst, count, self.percent / 100) or self.total)

    def _ended(self, worst: float, estimate: Estimate, method: Declared) -> Estimate:
        """Return the last estimate, with a note on why it is the last and, after an early stop, what was drawn."""
        assert method.effort is not None
        unit, most = method.effort.label.lower(), method.values()[method.effort.name]
        if worst > self.percent / 100:
            note = f"Drew all {most} {unit}: noise is {worst:.1%}, above the limit of {self.percent:g}%."
            return replace(estimate, fraction=1.0, notes=(*estimate.notes, note))
        drawn = round(estimate.fraction * most)
        figures = {**estimate.diagnostics, DRAWN: (float(drawn),) * len(estimate.maps)}
        note = f"Stopped after {drawn} of at most {most} {unit}: noise is {worst:.1%}, within the limit of "
        return replace(
            estimate, fraction=1.0, diagnostics=figures, notes=(*estimate.notes, f"{note}{self.percent:g}%.")
        )


def worst_share(estimate: Estimate) -> float | None:
    """Return the largest noise share of an estimate's maps; None if one of them has none."""
    shares = [share for share in noise_shares(estimate) if share is not None]
    return max(shares) if len(shares) == len(estimate.maps) else None
