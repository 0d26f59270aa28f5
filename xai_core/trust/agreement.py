"""How well two maps of the same question agree, and what that says about the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xai_core.families.noise import is_constant
from xai_core.trust.honesty import NOISE_WARNED_OF
from xai_core.types import Doubles, Floats

ALIKE, ROUGHLY = 0.95, 0.8  # correlations of two seeds
SAME_AS_PEER, SAME_SCALE = 0.99, 0.1  # correlation, and largest difference as a share of the range
UNMOVED, MOVED = 0.8, 0.5  # correlations with the map of a random last layer
LEAST_SIDE = 1e-3  # of a map's range; fewer on one side of zero is rounding
WINDOW = 7  # pixels
NOT_COMPARABLE = "One of the two maps is the same everywhere, so they cannot be compared."


@dataclass(frozen=True)
class Agreement:
    """Measures of how similar two maps are.

    correlation, rank_correlation: Pearson's and Spearman's, -1 to 1; None if a map is constant.
    largest_difference: at any pixel, as a share of the first map's range; None if that range is zero.
    similarity: SSIM of the two maps as they are drawn, each on its own scale, -1 to 1.
    signed: whether a map has values on both sides of zero, so that the other may be the same up to its sign.
    """

    correlation: float | None
    rank_correlation: float | None
    largest_difference: float | None
    similarity: float
    signed: bool


def agreement(first: Floats, second: Floats) -> Agreement:
    """Compare two maps (H, W) of the same size."""
    comparable = not (is_constant(first) or is_constant(second))
    a, b = first.astype(np.float64), second.astype(np.float64)
    pearson, spearman = _correlations(a, b) if comparable else (None, None)
    return Agreement(
        correlation=pearson,
        rank_correlation=spearman,
        largest_difference=None if is_constant(first) else float(np.abs(a - b).max() / np.ptp(a)),
        similarity=_similarity(_scaled(a), _scaled(b)),
        signed=_has_both_signs(a) or _has_both_signs(b),
    )


def verdict_on_seeds(agreements: Sequence[Agreement], advice: str = "use more samples") -> str:
    """Interpret the agreement with a different seed, one `Agreement` per target; the worst decides.

    advice: what reduces the influence of chance, such as "use more samples".
    """
    correlations = _defined(agreements)
    if not correlations:
        return NOT_COMPARABLE
    worst = min(correlations)
    if all(figures.largest_difference == 0 for figures in agreements):
        return "A different seed gives exactly the same map: nothing here depends on chance."
    if worst >= ALIKE:
        return f"A different seed gives nearly the same map (correlation {worst:.2f}): it does not depend on chance."
    if worst >= ROUGHLY:
        return (
            f"A different seed gives a similar map (correlation {worst:.2f}): the outline is reliable, the details are "
            f"chance. To read details, {advice}."
        )
    return (
        f"A different seed gives a different map (correlation {worst:.2f}): much of what you see here is chance. "
        f"Before reading it, {advice}."
    )


def verdict_on_randomisation(
    agreements: Sequence[Agreement], noise: float = 0.0, advice: str = "use more samples"
) -> str:
    """Interpret the agreement with a random last layer, one `Agreement` per target; the most similar map decides.

    noise: the largest share of a map that may be noise; both maps share it, since they use the same draws. advice:
    what reduces it. A signed map that only changes sign counts as unchanged; for a map of one sign, a negative
    correlation means that its weight has moved. A map that changes passes the check, which is necessary but does not
    prove the map right. Not for a class-blind method, whose map does not depend on the last layer.
    Source: Adebayo and others, Sanity Checks for Saliency Maps, 2018, arXiv 1810.03292.
    """
    known = [(figures.correlation, figures.signed) for figures in agreements if figures.correlation is not None]
    if not known:
        return NOT_COMPARABLE
    unmoved, most = max((abs(correlation) if signed else correlation, correlation) for correlation, signed in known)
    if noise > NOISE_WARNED_OF:
        return (
            f"With a random last layer the correlation is {most:.2f}, but {noise:.0%} of the map may be noise, so "
            f"this says little. To find out, {advice} and try again."
        )
    if unmoved < MOVED:
        return (
            f"With a random last layer the map changes (correlation {most:.2f}): it depends on the last layer, as a "
            "map that explains a class must."
        )
    if unmoved < UNMOVED:
        return (
            f"With a random last layer part of the map remains (correlation {most:.2f}): that part comes from the "
            "picture and the earlier layers, not from what speaks for this class."
        )
    return (
        f"With a random last layer the map stays nearly the same (correlation {most:.2f}): it does not show what the "
        "model learned about this class, so do not read it as a reason."
    )


def verdict_on_peer(
    agreements: Sequence[Agreement],
    library: str,
    known: str = "",
    noise: float = 0.0,
    advice: str = "use more samples",
) -> str:
    """Interpret the agreement with a different library, one `Agreement` per target; the worst decides.

    library: its name and version. known: how it is known to differ, a sentence or "". noise: the largest share of a
    map that may be noise; two maps that differ by noise alone have a correlation of about 1 - noise. advice: what
    reduces it.
    """
    correlations = _defined(agreements)
    if not correlations:
        return NOT_COMPARABLE
    worst = min(correlations)
    if worst >= SAME_AS_PEER:
        if all((figures.largest_difference or 0) < SAME_SCALE for figures in agreements):
            return f"{library} gives the same map (correlation {worst:.3f})."
        return f"{library} gives the same pattern on a different scale (correlation {worst:.3f}). {known}".strip()
    if noise > NOISE_WARNED_OF:
        return (
            f"{library} gives a map with a correlation of {worst:.3f}, but {noise:.0%} of our map may be noise, so "
            f"this says little. To find out, {advice} and try again."
        )
    if worst >= 1 - noise:
        return f"{library} gives a map that differs by no more than the noise (correlation {worst:.3f})."
    reason = known or "The reason is unknown; the two may round, resize or treat the border differently."
    if worst >= ALIKE:
        return f"{library} gives nearly the same map (correlation {worst:.3f}). {reason}"
    return f"{library} gives a different map (correlation {worst:.3f}). {reason}"


def _has_both_signs(values: Doubles) -> bool:
    """Return whether values lie on both sides of zero, rounding aside."""
    return bool(min(-values.min(), values.max()) > LEAST_SIDE * np.ptp(values))


def _defined(agreements: Sequence[Agreement]) -> list[float]:
    return [figures.correlation for figures in agreements if figures.correlation is not None]


def _correlations(a: Doubles, b: Doubles) -> tuple[float, float]:
    """Return Pearson's and Spearman's correlation."""
    from scipy.stats import pearsonr, spearmanr  # takes half a second to import, and most sessions never need it

    return float(pearsonr(a.ravel(), b.ravel()).statistic), float(spearmanr(a.ravel(), b.ravel()).statistic)


def _scaled(values: Doubles) -> Doubles:
    """Scale values to 0 to 1 as they are drawn: zero becomes one half if any value is negative."""
    largest = np.abs(values).max()
    low, high = (-largest, largest) if values.min() < 0 else (values.min(), values.max())
    return np.asarray((values - low) / ((high - low) or 1.0), np.float64)


def _similarity(a: Doubles, b: Doubles) -> float:
    """Return the mean SSIM over square windows with equal weights (Wang and others, 2004); values have a range of 1."""
    from skimage.metrics import structural_similarity  # as above

    side = min(WINDOW, *a.shape)
    window = side - (side + 1) % 2  # odd
    similarity: Any = structural_similarity
    return float(similarity(a, b, win_size=window, data_range=1.0, use_sample_covariance=False))
