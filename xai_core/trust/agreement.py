"""How far two maps of one question agree, and what that says of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xai_core.trust.honesty import NOISE_WARNED_OF, is_constant
from xai_core.types import Floats

Doubles = NDArray[np.float64]

ALIKE, ROUGHLY = 0.95, 0.8  # correlations of two seeds
SAME_AS_PEER, SAME_SCALE = 0.99, 0.1  # correlation, and largest difference as a share of the range
UNMOVED, MOVED = 0.8, 0.5  # correlations with the map of a random last layer
WINDOW = 7  # pixels; Wang and others, 2004
STEADY = (0.01**2, 0.03**2)  # the constants of the same
NOT_TOLD = "One of the two maps is the same everywhere, so they can not be compared."


@dataclass(frozen=True)
class Agreement:
    """Figures of two maps.

    correlation, rank_correlation: Pearson's and Spearman's, -1 to 1; None where a map is constant.
    largest_difference: of any pixel, as a share of the first map's range; None where that range is nought.
    similarity: SSIM of the maps, each on the scale on which it is drawn, -1 to 1.
    """

    correlation: float | None
    rank_correlation: float | None
    largest_difference: float | None
    similarity: float


def agreement(first: Floats, second: Floats) -> Agreement:
    """Compare two maps (H, W) of the same size."""
    comparable = not (is_constant(first) or is_constant(second))
    a, b = first.astype(np.float64), second.astype(np.float64)
    return Agreement(
        correlation=_correlation(a, b) if comparable else None,
        rank_correlation=_correlation(_ranks(a), _ranks(b)) if comparable else None,
        largest_difference=None if is_constant(first) else float(np.abs(a - b).max() / np.ptp(a)),
        similarity=_similarity(_scaled(a), _scaled(b)),
    )


def verdict_on_seeds(found: Sequence[Agreement], advice: str = "raise the samples") -> str:
    """Say what it means how far the maps of another seed agree, one agreement a target; the worst decides.

    advice: what lessens the part of chance.
    """
    correlations = _known(found)
    if not correlations:
        return NOT_TOLD
    worst = min(correlations)
    if all(one.largest_difference == 0 for one in found):
        return "Another seed gives the very same map: nothing here hangs on chance."
    if worst >= ALIKE:
        return f"Another seed gives nearly the same map (correlation {worst:.2f}): it does not hang on chance."
    if worst >= ROUGHLY:
        return (
            f"Another seed gives a similar map (correlation {worst:.2f}): its outline holds, its details are chance; "
            f"{advice} to read details."
        )
    return (
        f"Another seed gives another map (correlation {worst:.2f}): much of what is seen here is chance; "
        f"{advice} before reading it."
    )


def verdict_on_randomisation(found: Sequence[Agreement], noise: float = 0.0, advice: str = "raise the samples") -> str:
    """Say what it means how far the maps of a random last layer agree; the most alike decides.

    noise: the greatest share of a map that may be noise; of the same draws, both maps share it. advice: what lessens
    it. A map that only changes its sign counts as unchanged; one that changes passes, which is necessary and does not
    prove that it is right. Source: Adebayo and others, Sanity Checks for Saliency Maps, 2018,
    arXiv 1810.03292.
    """
    correlations = _known(found)
    if not correlations:
        return NOT_TOLD
    most = max(correlations, key=abs)
    if noise > NOISE_WARNED_OF:
        return (
            f"With a random last layer the correlation is {most:.2f}, but {noise:.0%} of the map may be noise, so "
            f"this tells little; {advice} and try again."
        )
    if abs(most) < MOVED:
        return (
            f"With a random last layer the map is another (correlation {most:.2f}): it depends on the last layer, as a "
            "map that explains a class must."
        )
    if abs(most) < UNMOVED:
        return (
            f"With a random last layer part of the map stays (correlation {most:.2f}): that part comes from the "
            "picture and the earlier layers, not from what speaks for this class."
        )
    return (
        f"With a random last layer the map stays nearly the same (correlation {most:.2f}): it does not show what the "
        "model learned about this class, so do not read it as a reason."
    )


def verdict_on_peer(
    found: Sequence[Agreement],
    library: str,
    known: str = "",
    noise: float = 0.0,
    advice: str = "raise the samples",
) -> str:
    """Say what it means how far the maps of another library agree; the worst decides.

    library: its name and version. known: a difference that is known of it, in a sentence. noise: the greatest share
    of a map that may be noise; two maps that only differ by it have a correlation of about 1 - noise. advice: what
    lessens it.
    """
    correlations = _known(found)
    if not correlations:
        return NOT_TOLD
    worst = min(correlations)
    if worst >= SAME_AS_PEER:
        if all((one.largest_difference or 0) < SAME_SCALE for one in found):
            return f"{library} gives the same map (correlation {worst:.3f})."
        return f"{library} gives the same pattern on another scale (correlation {worst:.3f}). {known}".strip()
    if noise > NOISE_WARNED_OF:
        return (
            f"{library} gives a map with a correlation of {worst:.3f}, but {noise:.0%} of the first may be noise, so "
            f"this tells little; {advice} and try again."
        )
    if worst >= 1 - noise:
        return f"{library} gives a map that differs no more than chance does (correlation {worst:.3f})."
    reason = known or "No reason is known; the two may round, resize or treat the border in different ways."
    if worst >= ALIKE:
        return f"{library} gives nearly the same map (correlation {worst:.3f}). {reason}"
    return f"{library} gives another map (correlation {worst:.3f}). {reason}"


def _known(found: Sequence[Agreement]) -> list[float]:
    return [one.correlation for one in found if one.correlation is not None]


def _correlation(a: Doubles, b: Doubles) -> float:
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def _ranks(values: Doubles) -> Doubles:
    """Return each value's place in order; equal values share the mean of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[which.ravel()], np.float64)


def _scaled(values: Doubles) -> Doubles:
    """Bring values into 0 to 1 as they are drawn: nought lies at a half where there are negative ones."""
    largest = np.abs(values).max()
    low, high = (-largest, largest) if values.min() < 0 else (values.min(), values.max())
    return np.asarray((values - low) / ((high - low) or 1.0), np.float64)


def _similarity(a: Doubles, b: Doubles) -> float:
    """Return the mean SSIM over square windows with equal weights; values have a range of 1."""
    mean_a, mean_b = _window_means(a), _window_means(b)
    both = _window_means(a * b) - mean_a * mean_b
    spread = _window_means(a * a) - mean_a**2 + _window_means(b * b) - mean_b**2
    light = (2 * mean_a * mean_b + STEADY[0]) / (mean_a**2 + mean_b**2 + STEADY[0])
    return float((light * (2 * both + STEADY[1]) / (spread + STEADY[1])).mean())


def _window_means(values: Doubles) -> Doubles:
    window = [min(WINDOW, side) for side in values.shape]
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    down, across = window
    boxes = sums[down:, across:] - sums[:-down, across:] - sums[down:, :-across] + sums[:-down, :-across]
    return np.asarray(boxes / (down * across), np.float64)
